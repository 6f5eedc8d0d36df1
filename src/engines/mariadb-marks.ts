import type { Marks } from "./engine.ts";

/** A dump is never empty, and ends in this line, with or without the date. */
export const marks: Marks = { beginning: /^[-/]/, ending: /\n-- Dump completed( on [\d: -]+)?\s*$/ };
