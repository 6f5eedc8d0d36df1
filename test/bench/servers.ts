import { execa } from "execa";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { endProcess } from "../fixtures/end-process.ts";
import { startMariadb } from "../fixtures/mariadb.ts";
import { startPostgres } from "../fixtures/postgres.ts";
import { mariadbData } from "./data/mariadb.ts";
import { keptOrMade } from "./kept-data.ts";

export type EngineName = "postgres" | "mariadb";

/** A server with the databases `bench`, full of data, and `empty`. */
export interface BenchServer extends AsyncDisposable {
  /** Variables of the commands that are measured, and those by which they and rcdump reach the server. */
  variables(database: string): Readonly<Record<string, string>>;
  /** Drops the database `new`, if there is one. */
  dropNew(): Promise<void>;
}

interface ServerOptions {
  /** 1 for data of full size. */
  readonly scale: number;
  /** Where data are kept from one run of the benchmark to the next. */
  readonly dataFolder: string | undefined;
  readonly tell: (what: string) => void;
}

export function startBenchServer(engine: EngineName, options: ServerOptions): Promise<BenchServer> {
  return engine === "postgres" ? startBenchPostgres(options) : startBenchMariadb(options);
}

/** Nothing goes on in the server but what is measured. */
const postgresSettings = {
  autovacuum: "off",
  max_wal_size: "4GB",
  shared_buffers: "512MB",
  maintenance_work_mem: "256MB",
  jit: "off",
};

async function startBenchPostgres({ scale, dataFolder, tell }: ServerOptions): Promise<BenchServer> {
  const [schema, large, others, keys] = ["schema", "large", "others", "keys"].map(
    (name) =>
      `\\set scale ${scale}\n${readFileSync(join(import.meta.dirname, `data/postgres-${name}.sql`), "utf8")}`,
  ) as [string, string, string, string];
  const server = await startPostgres({ settings: postgresSettings });
  try {
    await keptOrMade({
      keep: dataFolder,
      key: [
        "postgres",
        await server.psql("postgres", "SHOW server_version_num"),
        schema,
        large,
        others,
        keys,
      ],
      data: server.data,
      tell,
      make: async () => {
        for (const name of ["bench", "empty"]) await server.createDatabase(name);
        await server.psql("bench", schema);
        await Promise.all([server.psql("bench", large), server.psql("bench", others)]);
        await server.psql("bench", keys);
      },
      shutDown: () => server.shutDown("fast"),
      startAgain: () => server.startAgain(),
      // Over the socket, where no password is asked for: this server's is another one than that which the data were made with.
      adopt: async () => {
        const env = { ...server.env, PGHOST: server.socketDir };
        const input = `ALTER ROLE ${server.user} PASSWORD '${server.password}'`;
        await execa("psql", ["-Xq", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-f", "-"], { env, input });
      },
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    variables: (database) => ({
      ...server.env,
      BACKUP_ENGINE: "postgres",
      DUMP: `pg_dump ${database}`,
      CREATE: "createdb new",
      LOAD: "psql -X -q -v ON_ERROR_STOP=1 --single-transaction -d new",
      REACH: "",
    }),
    dropNew: async () => {
      await server.psql("postgres", "DROP DATABASE IF EXISTS new");
      await server.psql("postgres", "CHECKPOINT");
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** Room for the data, as any server has, and for a restore's log. */
const mariadbSettings = ["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M"];

/** What rcdump gives mariadb-dump, too. */
const mariadbDumpOptions =
  "--max-allowed-packet=1G --single-transaction --routines --events --triggers --host=127.0.0.1";

async function startBenchMariadb({ scale, dataFolder, tell }: ServerOptions): Promise<BenchServer> {
  const statements = mariadbData(scale);
  const server = await startMariadb({ options: mariadbSettings });
  try {
    await keptOrMade({
      keep: dataFolder,
      key: ["mariadb", await server.query("", "SELECT VERSION()"), ...statements],
      data: server.data,
      tell,
      make: async () => {
        for (const name of ["bench", "empty"]) await server.createDatabase(name);
        await server.query("bench", statements.join(";\n"));
      },
      shutDown: () => endProcess(server.pid, "SIGTERM"),
      startAgain: () => server.startAgain(),
      // The fixture sets its password whenever the server starts.
      adopt: async () => {},
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  const user = server.args.join(" ");
  return {
    variables: (database) => ({
      ...server.env,
      BACKUP_ENGINE: "mariadb",
      DUMP: `mariadb-dump ${user} ${mariadbDumpOptions} ${database}`,
      CREATE: `mariadb-admin ${user} --host=127.0.0.1 create new`,
      LOAD: `mariadb ${user} --host=127.0.0.1 --max-allowed-packet=1G new`,
      REACH: `-- ${user}`,
    }),
    dropNew: async () => void (await server.query("", "DROP DATABASE IF EXISTS new")),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
