import { startMariadb } from "../../fixtures/mariadb.ts";
import { startPostgres } from "../../fixtures/postgres.ts";

export const engineNames = ["postgres", "mariadb"] as const;
export type EngineName = (typeof engineNames)[number];

/** A server with a database to back up, looked at from outside. */
export interface Database {
  readonly engine: EngineName;
  /** What a whole dump of it ends with. */
  readonly ending: string;
  /** What rcdump is given to reach it so that its sessions are known as this run's. */
  reach(run: string): Promise<{ env: Record<string, string>; args: string[] }>;
  /** How many sessions of a run there are, those that only wait for a lock included. */
  sessions(run: string): Promise<number>;
  /** Ends the sessions of a run that are dumping, as an administrator does. @returns how many */
  endDumps(run: string): Promise<number>;
  /** A shell command that restores SQL from its stdin into this database, which is made anew, and the variables for it. */
  restoring(name: string): Promise<{ command: string; env: Record<string, string> }>;
  /** What tells equal contents; {@link victim}'s if no name is given. */
  contents(name?: string): Promise<string>;
  drop(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** The database that is backed up: some 6 MB of dump: two parts of a multipart upload, if they are not compressed. */
export const victim = "victim";

const rows = 9_500;

export async function startDatabase(engine: EngineName): Promise<Database> {
  return engine === "postgres" ? startPostgresVictim() : startMariadbVictim();
}

async function startPostgresVictim(): Promise<Database> {
  const server = await startPostgres();
  await server.createDatabase(victim);
  await server.psql(
    victim,
    `CREATE TABLE noise (id int PRIMARY KEY, bytes text);
     INSERT INTO noise SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 20) j) FROM generate_series(1, ${rows}) i;`,
  );
  const ask = async (sql: string): Promise<number> => Number(await server.psql("postgres", sql));
  const ofRun = (run: string): string => `FROM pg_stat_activity WHERE application_name = '${run}'`;
  return {
    engine: "postgres",
    ending: "-- PostgreSQL database dump complete",
    reach: async (run) => ({ env: { ...server.env, PGAPPNAME: run }, args: [] }),
    sessions: (run) => ask(`SELECT count(*) ${ofRun(run)}`),
    endDumps: (run) => ask(`SELECT count(pg_terminate_backend(pid)) ${ofRun(run)} AND query ~ 'COPY'`),
    restoring: async (name) => {
      await server.createDatabase(name);
      return {
        command: "psql -Xq -v ON_ERROR_STOP=1 -o /dev/null",
        env: { ...server.env, PGDATABASE: name },
      };
    },
    contents: (name = victim) => server.psql(name, "SELECT count(*), sum(hashtext(bytes)) FROM noise"),
    drop: async (name) => void (await server.psql("postgres", `DROP DATABASE "${name}" WITH (FORCE)`)),
    stop: () => server.stop(),
  };
}

async function startMariadbVictim(): Promise<Database> {
  const server = await startMariadb();
  await server.createDatabase(victim);
  await server.query(
    victim,
    `CREATE TABLE noise (id int PRIMARY KEY, bytes text);
     INSERT INTO noise SELECT seq, CONCAT(${Array.from({ length: 20 }, (_, j) => `MD5(CONCAT(seq, ${j}))`).join(", ")}) FROM seq_1_to_${rows};`,
  );
  const ask = (sql: string): Promise<string> => server.query("", sql);
  const ofRun = (run: string): string => `FROM information_schema.processlist WHERE user = '${run}'`;
  return {
    engine: "mariadb",
    ending: "-- Dump completed",
    reach: async (run) => {
      await ask(`CREATE USER '${run}'@'127.0.0.1' IDENTIFIED BY '${server.password}';
        GRANT ALL ON *.* TO '${run}'@'127.0.0.1'`);
      return { env: server.env, args: ["--", `--user=${run}`] };
    },
    sessions: async (run) => Number(await ask(`SELECT count(*) ${ofRun(run)}`)),
    endDumps: async (run) => {
      const dumps = await ask(`SELECT id ${ofRun(run)} AND info LIKE '%SQL_NO_CACHE%'`);
      const ids = dumps.split("\n").filter(Boolean);
      for (const id of ids) await ask(`KILL ${id}`).catch(() => {}); // it may just have ended
      return ids.length;
    },
    restoring: async (name) => {
      await server.createDatabase(name);
      const client = `mariadb --no-defaults --host=127.0.0.1 --default-character-set=utf8mb4 ${server.args.join(" ")}`;
      return { command: `${client} ${name}`, env: server.env };
    },
    contents: (name = victim) => server.query(name, "SELECT count(*), sum(crc32(bytes)) FROM noise"),
    drop: async (name) => void (await server.query("", `DROP DATABASE \`${name}\``)),
    stop: () => server.stop(),
  };
}
