import type { Context } from "../context.ts";
export async function check(_context: Context, _options: { json: boolean }): Promise<void> {}
