import { execa } from "execa";
import { join } from "node:path";
import { removeFolder, temporaryFolder } from "../../fixtures/folder.ts";
import { localStore } from "../../fixtures/store.ts";
import { startStore, type StoreName, type TestStore } from "../../stores/store.ts";
import { type Database, type EngineName, engineNames, startDatabase, victim } from "./databases.ts";
import type { Draw } from "./draw.ts";
import { PlainTools } from "./invariants.ts";
import { program } from "../../fixtures/program.ts";

/** What decides on the form of a backup. */
export type Form = Pick<Draw, "engine" | "compression" | "encrypted">;

/** The servers and keys of a campaign, which its runs share. */
export class Site {
  readonly #stores: ReadonlyMap<StoreName, TestStore>;
  readonly #databases: ReadonlyMap<EngineName, { database: Database; tools: PlainTools }>;
  readonly #recipient: string;
  readonly #earlier = new Map<string, Promise<string>>();
  /** Whatever the runs' programs may take for their home. */
  readonly home: string;
  /** What lets rcdump decrypt the backups. */
  readonly identity: Readonly<Record<string, string>>;

  private constructor(parts: {
    stores: readonly TestStore[];
    databases: readonly Database[];
    home: string;
    identity: string;
    recipient: string;
  }) {
    const { stores, databases, identity } = parts;
    this.#stores = new Map(stores.map((store) => [store.name, store]));
    this.#databases = new Map(
      databases.map((database) => [database.engine, { database, tools: new PlainTools(identity, database) }]),
    );
    this.home = parts.home;
    this.identity = { DECRYPT_IDENTITY_FILE: identity };
    this.#recipient = parts.recipient;
  }

  static async start(names: readonly StoreName[]): Promise<Site> {
    const home = temporaryFolder("campaign");
    const identity = join(home, "identity");
    await execa("age-keygen", ["-o", identity]);
    const { stdout: recipient } = await execa("age-keygen", ["-y", identity]);
    const [stores, databases] = await Promise.all([
      Promise.all(names.map((name) => startStore(name))),
      Promise.all(engineNames.map((name) => startDatabase(name))),
    ]);
    return new Site({ stores, databases, home, identity, recipient });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#stores.values()].map((store) => store.stop()));
    await Promise.all([...this.#databases.values()].map(({ database }) => database.stop()));
    removeFolder(this.home);
  }

  store(name: StoreName): TestStore {
    return found(this.#stores.get(name));
  }

  database(name: EngineName): Database {
    return found(this.#databases.get(name)).database;
  }

  tools(name: EngineName): PlainTools {
    return found(this.#databases.get(name)).tools;
  }

  /** What asks rcdump for a backup of this form, under the name `nightly`. */
  settings({ engine, compression, encrypted }: Form): Record<string, string> {
    return {
      HOME: this.home,
      NODE_COMPILE_CACHE: join(this.home, "compile-cache"),
      BACKUP_ENGINE: engine,
      BACKUP_DATABASES: victim,
      BACKUP_FILE_NAME: "nightly",
      BACKUP_COMPRESSION: compression,
      ...(encrypted && { ENCRYPT_RECIPIENTS: this.#recipient }),
    };
  }

  /** A folder with a good backup of this form, made by an undisturbed run. */
  earlier(form: Form): Promise<string> {
    const key = JSON.stringify([form.engine, form.compression, form.encrypted]);
    let folder = this.#earlier.get(key);
    if (!folder) {
      folder = this.#makeEarlier(form);
      this.#earlier.set(key, folder);
    }
    return folder;
  }

  async #makeEarlier(form: Form): Promise<string> {
    const store = localStore();
    const { env, args } = await this.database(form.engine).reach(
      `earlier_${form.compression}_${form.encrypted ? "age" : "plain"}`,
    );
    await execa("node", [program, ...args], {
      env: { PATH: process.env["PATH"] ?? "", ...this.settings(form), ...store.env, ...env },
      extendEnv: false,
    });
    return store.folder;
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the campaign was started without it");
  return value;
}
