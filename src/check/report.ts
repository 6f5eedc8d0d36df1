import { type Server, targetName } from "../engines/engine.ts";
import { formatBytes } from "../format.ts";
import { formatTable } from "../table.ts";
import type { ExpectedDump } from "./expected-dumps.ts";
import type { Finding } from "./finding.ts";

/** All that the trials brought to light. */
export interface Report {
  readonly findings: readonly Finding[];
  /** Undefined if it was not reached. */
  readonly server: Server | undefined;
  /** What a run would make; empty if that cannot be told. */
  readonly dumps: readonly ExpectedDump[];
}

const marks = { ok: "\u2713", warning: "!", failed: "\u2717" };

/** For a person: a table of the findings, and one of the dumps if there are any. */
export function toText({ findings, dumps }: Report): string {
  const lines = findings.flatMap(({ what, state, detail, hint }) => [
    [marks[state], what, detail.replaceAll("\n", " ")],
    ...(hint === undefined ? [] : [["", "", `\u2192 ${hint}`]]),
  ]);
  if (dumps.length === 0) return formatTable(lines);
  const rows = dumps.map(({ target, bytes, path }) => [
    targetName(target),
    bytes === undefined ? "-" : formatBytes(bytes),
    path,
  ]);
  return `${formatTable(lines)}\n${formatTable([["DATABASE", "SIZE", "OBJECT"], ...rows])}`;
}

/** For a program: one object. */
export function toJson({ findings, server, dumps }: Report): string {
  const result = {
    ok: findings.every(({ state }) => state !== "failed"),
    server: server && { host: server.host, port: server.port, product: server.product },
    findings,
    dumps: dumps.map(({ target, path, bytes }) => ({ ...target, path, bytes: bytes ?? null })),
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}
