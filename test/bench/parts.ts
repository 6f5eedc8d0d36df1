import { backups, type Candidate, copy, makeBackups, makeFile, readings, restores } from "./candidates.ts";
import type { EngineName } from "./servers.ts";
import type { StoreName } from "./stores.ts";

/** Candidates that are measured against each other, in turn. */
export interface Part {
  readonly name: string;
  readonly title: string;
  readonly engine: EngineName;
  readonly store: StoreName;
  readonly database: "bench" | "empty";
  readonly candidates: readonly Candidate[];
  /** A command that is run once before all. */
  readonly prepare?: string;
  /** Whether what lies in the store is made by the candidates, and removed before each of them. */
  readonly makes: "backups" | "databases" | "nothing";
  /** The candidates that the others are compared with. */
  readonly limit?: string;
  readonly predecessor?: string;
  /** Whether the candidates have one processor for all their processes. The server has all. */
  readonly oneCore?: boolean;
  /** If not as many rounds as the others. */
  readonly rounds?: number;
}

const engines: Record<EngineName, string> = { postgres: "PostgreSQL", mariadb: "MariaDB" };

const compared = { makes: "backups", limit: "a", predecessor: "b", database: "bench" } as const;

function partsOf(engine: EngineName): Part[] {
  const title = engines[engine];
  return [
    {
      ...compared,
      name: `${engine}-local`,
      title: `${title} to a local folder`,
      engine,
      store: "local",
      candidates: backups,
    },
    {
      ...compared,
      name: `${engine}-s3`,
      title: `${title} to S3 on loopback`,
      engine,
      store: "s3",
      // What the others are held up by is the same wherever it goes to.
      candidates: [...some("a", "b", "d2", "e", "f", "g", "h"), copy],
      prepare: makeFile,
    },
    {
      name: `read-${engine}`,
      title: `Backups of ${title}, read to the last byte of SQL`,
      engine,
      store: "local",
      database: "bench",
      candidates: readings,
      prepare: makeBackups,
      makes: "nothing",
      predecessor: "i",
    },
    {
      name: `restore-${engine}`,
      title: `Backups of ${title}, restored into a new database`,
      engine,
      store: "local",
      database: "bench",
      candidates: restores,
      prepare: makeBackups,
      makes: "databases",
      predecessor: "l",
    },
    {
      name: engine === "postgres" ? "empty" : `empty-${engine}`,
      title: `An empty database of ${title} to a local folder`,
      engine,
      store: "local",
      database: "empty",
      candidates: some("d2", "f"),
      makes: "backups",
      rounds: 11,
    },
  ];
}

/** All parts, in their order. */
export const parts: readonly Part[] = [
  ...partsOf("postgres"),
  {
    ...compared,
    name: "postgres-one-core",
    title: "PostgreSQL to a local folder, on one core",
    engine: "postgres",
    store: "local",
    candidates: some("a", "b", "d", "d2", "f", "g"),
    oneCore: true,
  },
  ...partsOf("mariadb"),
];

function some(...names: string[]): Candidate[] {
  return backups.filter(({ name }) => names.includes(name));
}
