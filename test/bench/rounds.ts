import { execa } from "execa";
import { Random } from "../faults/campaign/random.ts";
import { temporaryFolder, removeFolder } from "../fixtures/folder.ts";
import type { Peak } from "../fixtures/memory.ts";
import { type Run, run, runWatched } from "./measure.ts";
import type { Part } from "./parts.ts";
import type { PartResult } from "./results.ts";
import type { BenchServer } from "./servers.ts";
import { startStore } from "./stores.ts";

interface Options {
  readonly server: BenchServer;
  /** Of all parts: the key, rcdump. */
  readonly variables: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly tell: (what: string) => void;
}

/**
 * Measures a part: first each candidate once for its memory and what it stores, which warms the caches, too; then all of them in
 * each round, in an order that differs from round to round, so that whatever else the machine does hits none of them more than the others.
 */
export async function measurePart(
  part: Part,
  { server, variables, rounds, tell }: Options,
): Promise<Pick<PartResult, "plainBytes" | "candidates" | "seconds">> {
  const begin = performance.now();
  const folder = temporaryFolder("bench");
  await using store = await startStore(part.store);
  const env = {
    ...server.variables(part.database),
    ...store.env,
    ...variables,
    BACKUP_DATABASES: part.database,
    DATABASE: part.database,
    UPLOAD_PREFIX: "backups",
    STORE: "store:backups",
    SPOOL: folder,
    BENCH: import.meta.dirname,
  };
  const options = { env, folder, oneCore: part.oneCore ?? false };
  const total = part.rounds ?? rounds;

  const tidy = async (): Promise<void> => {
    if (part.makes === "backups") await store.clear();
    if (part.makes === "databases") await server.dropNew();
    // What the one before has left to be written is not this one's to wait for.
    await execa("sync");
  };

  const plainBytes = await countPlainBytes(env);
  if (part.prepare !== undefined) {
    tell(`${part.name}: prepares`);
    await run(part.prepare, options);
  }

  const measured = new Map<string, { runs: Run[]; memory: Peak; storedBytes?: number }>();
  for (const { name, title, command } of part.candidates) {
    await tidy();
    const { run, memory } = await runWatched(command, options);
    const storedBytes = part.makes === "backups" ? await store.dumpBytes() : 0;
    const runs = total === 0 ? [run] : [];
    measured.set(name, { runs, memory, ...(storedBytes > 0 && { storedBytes }) });
    tell(`${part.name}: before the first of ${total} rounds: ${name} ${title}: ${run.wall.toFixed(1)} s`);
  }
  const random = new Random(part.name);
  for (let round = 1; round <= total; round++)
    for (const { name, title, command } of random.shuffle(part.candidates)) {
      await tidy();
      const result = await run(command, options);
      measured.get(name)?.runs.push(result);
      tell(`${part.name}: round ${round} of ${total}: ${name} ${title}: ${result.wall.toFixed(1)} s`);
    }
  await tidy();
  removeFolder(folder);
  const candidates = part.candidates.map((candidate) => ({ ...candidate, ...measured.get(candidate.name)! }));
  return { plainBytes, candidates, seconds: (performance.now() - begin) / 1000 };
}

async function countPlainBytes(env: Readonly<Record<string, string>>): Promise<number> {
  const { stdout } = await execa("bash", ["-c", "set -o pipefail; $DUMP | wc -c"], { env });
  return Number(stdout);
}
