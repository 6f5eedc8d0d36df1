import {
  backups,
  type Candidate,
  concurrencies,
  copy,
  makeBackups,
  makeBlock,
  makeFile,
  makeHistory,
  makeSmallDatabases,
  readings,
  restores,
  sizes,
  surveys,
} from "./candidates.ts";
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
  /** If not as many rounds as the others; 0 for what takes so long that it is run once. */
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
      // By hand it is the same for both engines.
      candidates: engine === "postgres" ? backups : some("a", "b", "d", "d2", "e", "f", "g", "h"),
    },
    {
      ...compared,
      name: `${engine}-s3`,
      title: `${title} to S3 on loopback`,
      engine,
      store: "s3",
      // What the others are held up by is the same wherever it goes to.
      candidates: [...some("a", "d2", "f", "g", "h"), copy],
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
    candidates: some("a", "b", "d2", "f", "g"),
    oneCore: true,
  },
  {
    name: "sizes",
    title: "Dumps of 0.1 to 5 GB to a local folder, with no server to wait for",
    engine: "postgres",
    store: "local",
    database: "bench",
    candidates: sizes,
    prepare: makeBlock,
    makes: "backups",
    rounds: 3,
  },
  {
    name: "many-databases",
    title: "200 small databases in one run, to a local folder",
    engine: "postgres",
    store: "local",
    database: "empty",
    candidates: concurrencies,
    prepare: makeSmallDatabases,
    makes: "backups",
    rounds: 0,
  },
  ...(["local", "s3"] as const).map((store): Part => ({
    name: `history-${store}`,
    title: `10,000 backups in ${store === "local" ? "a local folder" : "S3 on loopback"}`,
    engine: "postgres",
    store,
    database: "empty",
    candidates: surveys,
    prepare: makeHistory,
    makes: "nothing",
  })),
  ...partsOf("mariadb"),
];

function some(...names: string[]): Candidate[] {
  return backups.filter(({ name }) => names.includes(name));
}
