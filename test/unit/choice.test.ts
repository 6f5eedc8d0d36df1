import { describe, expect, test } from "vitest";
import type { Damaged, StoredBackup } from "../../src/catalogue.ts";
import { chooseBackup, isChosen, nothingFound, readMoment, type Wish } from "../../src/choice.ts";
import { BackupError } from "../../src/errors.ts";
import type { Manifest } from "../../src/manifest.ts";
import { describeContent } from "../fixtures/manifests.ts";

/** What differs from a backup of app on db:5432. `day` is of January; each dump takes an hour from midnight. */
interface Sketch {
  readonly day?: number;
  readonly database?: string;
  readonly scope?: Manifest["scope"];
  readonly host?: string;
  readonly port?: number;
  readonly engine?: Manifest["engine"];
}

function manifestOf({
  day = 1,
  database = "app",
  scope = "database",
  host = "db",
  port = 5432,
  engine = "postgres",
}: Sketch): Manifest {
  const date = `2026-01-${String(day).padStart(2, "0")}`;
  return {
    ...describeContent("x"),
    readBack: true,
    engine,
    scope,
    database: scope === "database" ? database : null,
    server: { host, port, version: "17.2" },
    started: `${date}T00:00:00.000Z`,
    finished: `${date}T01:00:00.000Z`,
  };
}

function backup(path: string, sketch: Sketch = {}): StoredBackup {
  const manifest = manifestOf(sketch);
  return { path, manifest, startedAt: new Date(manifest.started), checksum: "", bytes: 1 };
}

function spoilt(path: string, sketch: Sketch = {}): Damaged {
  return { path, problem: "is 1 bytes long, and its manifest says 2", manifest: manifestOf(sketch) };
}

/** The path of the backup that is chosen, or the error. */
function choose(
  wish: Partial<Wish>,
  backups: readonly StoredBackup[],
  damaged: readonly Damaged[] = [],
): string | Pick<BackupError, "operation" | "message" | "hint"> {
  // As readCatalogue orders them.
  const newestFirst = backups.toSorted((left, right) => right.startedAt.getTime() - left.startedAt.getTime());
  try {
    return chooseBackup(
      { backups: newestFirst, damaged },
      { engine: "postgres", now: new Date("2026-06-01"), ...wish },
    ).path;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const { operation, message, hint } = error;
    return { operation, message, hint };
  }
}

describe("isChosen", () => {
  test.for<[choice: Parameters<typeof isChosen>[0], sketch: Sketch, chosen: boolean]>([
    [{}, {}, true],
    [{}, { scope: "globals" }, true],
    [{ database: "app" }, {}, true],
    [{ database: "app" }, { database: "app2" }, false],
    [{ database: "app2" }, {}, false],
    [{ database: "App" }, {}, false],
    [{ database: "" }, {}, false],
    [{ database: "" }, { scope: "server" }, false],
    [{ database: "all databases" }, { scope: "server" }, false],
    [{ database: "größe `\n" }, { database: "größe `\n" }, true],
    [{ server: "db" }, {}, true],
    [{ server: "db:5432" }, {}, true],
    [{ server: "db:543" }, {}, false],
    [{ server: "db:5433" }, {}, false],
    [{ server: "d" }, {}, false],
    [{ server: "db" }, { scope: "globals" }, true],
    [{ server: "/run/pg" }, { host: "/run/pg" }, true],
    [{ database: "app", server: "other" }, {}, false],
  ])("%j of %j: %s", ([choice, sketch, chosen]) => {
    expect(isChosen(choice, manifestOf(sketch))).toBe(chosen);
  });
});

describe("the newest backup", () => {
  test("is chosen if nothing else is said and there is one database", () => {
    expect(choose({}, [backup("1", { day: 1 }), backup("3", { day: 3 }), backup("2", { day: 2 })])).toBe("3");
  });

  test("is none that is dated in the future, unless there are no others", () => {
    const now = new Date("2026-01-05T00:00:00Z");
    const [good, ahead, spoiltAhead] = [
      backup("2", { day: 2 }),
      backup("9", { day: 9 }),
      spoilt("8", { day: 8 }),
    ];
    expect(choose({ now }, [good, ahead])).toBe("2");
    expect(choose({ now }, [ahead])).toBe("9");
    expect(choose({ now }, [good], [spoilt("1", { day: 1 }), spoiltAhead])).toBe("2");
  });

  test("of a database is one of that very name", () => {
    const backups = [backup("app"), backup("app2", { day: 2, database: "app2" })];
    expect(choose({ database: "app" }, backups)).toBe("app");
    expect(choose({ database: "app2" }, backups)).toBe("app2");
  });

  test("is one of the engine that is used", () => {
    const backups = [backup("p"), backup("m", { day: 2, engine: "mariadb" })];
    expect(choose({}, backups)).toBe("p");
    expect(choose({ engine: "mariadb" }, backups)).toBe("m");
  });

  test("of a server is one of that host, and port", () => {
    const backups = [
      backup("a"),
      backup("b", { day: 2, host: "other" }),
      backup("c", { day: 3, host: "other", port: 5433 }),
    ];
    expect(choose({ server: "db" }, backups)).toBe("a");
    expect(choose({ server: "other:5432" }, backups)).toBe("b");
    expect(choose({ server: "other:5433" }, backups)).toBe("c");
  });
});

describe("where several could be meant", () => {
  test("one of several databases is to be named", () => {
    const backups = [
      backup("2", { database: "crm", day: 2 }),
      backup("1"),
      backup("g", { scope: "globals" }),
    ];
    expect(choose({}, backups)).toEqual({
      operation: "configuration",
      message: "there are backups of app, crm, roles and tablespaces",
      hint: "say which with --database NAME, or choose one by --file PATH; `rcdump list` shows them",
    });
  });

  test("one of several servers is to be named", () => {
    const backups = [backup("1", { host: "b" }), backup("2", { host: "a" })];
    expect(choose({ database: "app" }, backups)).toEqual({
      operation: "configuration",
      message: "there are backups of app from several servers: a:5432, b:5432",
      hint: "say which with --server a:5432, or choose one by --file PATH",
    });
  });

  test("of servers on one host the port is to be named", () => {
    const backups = [backup("1", { port: 5433 }), backup("2")];
    expect(choose({ server: "db" }, backups)).toEqual({
      operation: "configuration",
      message: "there are backups of app from several servers: db:5432, db:5433",
      hint: "say which with --server db:5432, or choose one by --file PATH",
    });
  });

  test("a time does not tell databases apart", () => {
    const backups = [backup("1"), backup("2", { database: "crm", day: 2 })];
    expect(choose({ at: new Date("2026-01-01T12:00:00Z") }, backups)).toMatchObject({
      operation: "configuration",
    });
  });

  test("a damaged backup of another database could be the one that is meant as well", () => {
    expect(choose({}, [backup("1")], [spoilt("2", { database: "crm" })])).toMatchObject({
      message: "there are backups of app, crm",
    });
  });
});

describe("--at", () => {
  const backups = [backup("1", { day: 1 }), backup("2", { day: 2 }), backup("3", { day: 3 })];

  test.for<[at: string, path: string]>([
    ["2026-01-01T00:00:00.000Z", "1"],
    ["2026-01-01T23:59:59.999Z", "1"],
    ["2026-01-02T00:00:00.000Z", "2"],
    ["2026-01-02T00:30:00.000Z", "2"],
    ["2030-01-01T00:00:00.000Z", "3"],
  ])("%s means what was begun by then: %s", ([at, path]) => {
    expect(choose({ at: new Date(at) }, backups)).toBe(path);
  });

  test("a time copied from the list, which shows no fractions of a second, means that backup", () => {
    const copied = backup("1");
    const manifest = { ...copied.manifest, started: "2026-01-01T02:00:05.700Z" };
    const listed = { ...copied, manifest, startedAt: new Date(manifest.started) };
    expect(choose({ at: new Date("2026-01-01T02:00:05Z") }, [listed])).toBe("1");
    expect(choose({ at: new Date("2026-01-01T02:00:04Z") }, [listed])).toMatchObject({ operation: "find" });
  });

  test("before the first backup there is none, and the first is told", () => {
    expect(choose({ at: new Date("2025-12-31T23:59:59.999Z") }, backups)).toEqual({
      operation: "find",
      message: "there is no backup of app that was begun by 2025-12-31T23:59:59.999Z",
      hint: "the first was begun at 2026-01-01T00:00:00.000Z",
    });
  });

  test("before all of which each is damaged there is nothing to tell", () => {
    expect(choose({ at: new Date("2025-01-01T00:00:00Z") }, [], [spoilt("1")])).toEqual({
      operation: "find",
      message: "there is no backup of app that was begun by 2025-01-01T00:00:00.000Z",
      hint: undefined,
    });
  });
});

describe("a damaged backup", () => {
  const refused = (path: string) => ({
    operation: "integrity",
    message: `the backup that is meant is damaged: ${path} is 1 bytes long, and its manifest says 2`,
    hint: "`rcdump list` shows the others: choose one by --at or --file",
  });

  test("that is the newest is refused: an older one is not what was meant", () => {
    expect(choose({}, [backup("1")], [spoilt("2", { day: 2 })])).toEqual(refused("2"));
  });

  test("that is older is none of our business", () => {
    expect(choose({}, [backup("2", { day: 2 })], [spoilt("1")])).toBe("2");
    expect(choose({}, [backup("2", { day: 2 })], [spoilt("same day", { day: 2 })])).toBe("2");
  });

  test("that is the only one is refused", () => {
    expect(choose({}, [], [spoilt("1")])).toEqual(refused("1"));
  });

  test("that was begun after the time that is meant is none of our business", () => {
    const at = new Date("2026-01-01T23:30:00Z");
    expect(choose({ at }, [backup("1")], [spoilt("2", { day: 2 })])).toBe("1");
    expect(
      choose({ at: new Date("2026-01-02T01:00:00Z") }, [backup("1")], [spoilt("2", { day: 2 })]),
    ).toEqual(refused("2"));
  });

  test.for<[title: string, sketch: Sketch]>([
    ["database", { database: "crm" }],
    ["server", { host: "other" }],
    ["engine", { engine: "mariadb" }],
  ])("of another %s is none of our business", ([, sketch]) => {
    const wish = { database: "app", server: "db" };
    expect(choose(wish, [backup("1")], [spoilt("2", { day: 2, ...sketch })])).toBe("1");
  });

  test("of which nothing can be told is passed over", () => {
    const unknown: Damaged = { path: "2", problem: "has a manifest that is damaged", manifest: undefined };
    expect(choose({}, [backup("1")], [unknown])).toBe("1");
  });
});

describe("there being none", () => {
  test("in an empty remote, the settings are suspected", () => {
    expect(choose({}, [])).toEqual({
      operation: "find",
      message: "there is no backup in the remote",
      hint: "correct REMOTE_NAME and UPLOAD_PREFIX; `rcdump list --all` shows what lies there",
    });
  });

  test("of this name, the names that there are are told, each once", () => {
    const backups = [backup("1", { database: "crm" }), backup("2", { database: "app" }), backup("3")];
    expect(choose({ database: "ap", server: "db" }, backups)).toEqual({
      operation: "find",
      message: "there is no backup of ap from db in the remote",
      hint: "there are backups of app, crm; `rcdump list` shows them",
    });
  });

  test("of this engine, that of others is told", () => {
    expect(choose({ database: "app" }, [backup("1", { engine: "mariadb" })])).toMatchObject({
      message: "there is no backup of app in the remote",
      hint: "there are backups of mariadb: use rcdump's image for it, or set BACKUP_ENGINE",
    });
  });

  test("from this server", () => {
    expect(nothingFound({ server: "other" }, []).message).toBe("there is no backup from other in the remote");
  });
});

describe("a time that an option gives", () => {
  const clock = { now: new Date("2026-01-10T12:00:00Z"), timeZone: "Europe/Berlin" };

  test("is none if the option was not given", () => {
    expect(readMoment("--at", undefined, clock)).toBeUndefined();
  });

  test.for<[text: string, time: string]>([
    ["2026-01-02T02:00", "2026-01-02T01:00:00.000Z"],
    ["2026-01-02T02:00:00Z", "2026-01-02T02:00:00.000Z"],
    ["7d", "2026-01-03T12:00:00.000Z"],
  ])("%s is %s", ([text, time]) => {
    expect(readMoment("--at", text, clock)?.toISOString()).toBe(time);
  });

  test.for(["", "yesterday", "2026-02-30", "7", "-7d"])("is refused: %j", (text) => {
    expect(() => readMoment("--since", text, clock)).toThrow(
      expect.objectContaining({
        operation: "configuration",
        message: `--since is ${JSON.stringify(text)}, which is no time`,
        hint: expect.stringMatching(/^write a time such as /),
      }),
    );
  });
});
