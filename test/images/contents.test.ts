import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engine } from "./fixtures/engine.ts";
import { images, run } from "./fixtures/run.ts";
import { createSite, type Site } from "./fixtures/site.ts";
import { survey, type Survey } from "./fixtures/survey.ts";

let site: Site;

beforeAll(async () => {
  site = await createSite();
});
afterAll(() => site?.remove());

const common = {
  node: ["--version"],
  rclone: ["version"],
  igzip: ["--version"],
  pigz: ["--version"],
  zstd: ["--version"],
};

const each = [
  {
    name: "postgres",
    programs: {
      ...common,
      pg_dump: ["--version"],
      pg_restore: ["--version"],
      psql: ["--version"],
      pg_dumpall: ["--version"],
    },
    packages: ["libc6", "libpq5", "tzdata", "ca-certificates"],
  },
  {
    name: "mariadb",
    programs: { ...common, mariadb: ["--version"], "mariadb-dump": ["--version"] },
    packages: ["libc6", "mariadb-client-core", "libmariadb3", "tzdata", "ca-certificates"],
  },
] as const;

describe.for(each)("rcdump-$name", ({ name, programs, packages }) => {
  const image = images[name];
  let found: Survey;

  beforeAll(async () => {
    found = await survey(site, image);
  });

  test.for(Object.entries(programs))("%s runs", async ([program, args]) => {
    const { exitCode, stdout, stderr } = await run(site, image, {}, args, { entrypoint: [program] });
    expect({ exitCode, version: /\d+\.\d+/.test(`${stdout}${stderr}`) }).toEqual({
      exitCode: 0,
      version: true,
    });
  });

  test("a dump's larger buffers are there", async () => {
    const script = "fs.accessSync('/usr/libexec/coreutils/libstdbuf.so')";
    const { exitCode, stderr } = await run(site, image, {}, ["-e", script], { entrypoint: ["node"] });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });

  test("every program and library finds what it loads", () => {
    expect(found.unresolved).toEqual([]);
    expect(found.dynamic).toBeGreaterThan(20);
  });

  test("there is nothing to break in with, and nothing to become somebody else by", () => {
    const unwanted =
      /^(bash|dash|ash|busybox|perl.*|python.*|apt.*|dpkg.*|rpm|apk|npm|npx|su|sudo|mount|curl|wget|ssh|nc)$/;
    const programsThere = found.files.filter(({ executable }) => executable).map(({ path }) => path);
    expect(programsThere.filter((path) => unwanted.test(path.split("/").at(-1) ?? ""))).toEqual([]);
    expect(found.files.filter(({ setsAnId }) => setsAnId)).toEqual([]);
    const writable = found.files.filter(({ writableByAll }) => writableByAll).map(({ path }) => path);
    expect(writable.toSorted()).toEqual(["/backups", "/tmp"]);
  });

  test("each package is on record, with its licence", () => {
    expect(found.packages.map((each) => each.name)).toEqual(expect.arrayContaining([...packages]));
    expect(found.packages.filter(({ version, licensed }) => version === "" || !licensed)).toEqual([]);
    const licences = found.files.map(({ path }) => path);
    expect(licences).toContain("/app/LICENSE");
    expect(licences).toContain("/usr/share/doc/node/copyright");
    expect(licences).toContain("/usr/share/doc/rclone/copyright");
  });

  test("time zones are there, certificates of public authorities, and a home", () => {
    const paths = new Set(found.files.map(({ path }) => path));
    for (const path of [
      "/usr/share/zoneinfo/Europe/Berlin",
      "/etc/ssl/certs/ca-certificates.crt",
      "/home/rcdump",
    ])
      expect(paths).toContain(path);
  });

  test("what it runs as, and what it says of itself", async () => {
    const { Config: config } = await (await engine()).getImage(image).inspect();
    expect(config).toMatchObject({
      User: "1001:1001",
      Entrypoint: ["tini", "-s", "--", "node", "/app/dist/main.js"],
      Env: expect.arrayContaining([
        `BACKUP_ENGINE=${name}`,
        "HOME=/home/rcdump",
        "LANG=C.UTF-8",
        "RCLONE_CONFIG=/dev/null",
        "REMOTE_NAME=store",
      ]) as string[],
      Labels: {
        "org.opencontainers.image.title": `rcdump-${name}`,
        "org.opencontainers.image.description": expect.any(String) as string,
        "org.opencontainers.image.version": expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    });
  });

  test("it weighs at most 150 MB without rclone, whose builds differ by some megabytes", async () => {
    const layers = (await (await engine()).getImage(image).history()) as readonly {
      readonly CreatedBy: string;
      readonly Size: number;
    }[];
    const ofRclone = layers.filter(({ CreatedBy: command }) => command.startsWith("COPY /rclone / "));
    expect(ofRclone).toHaveLength(1);
    const rest = layers.filter((layer) => !ofRclone.includes(layer));
    expect(rest.reduce((sum, { Size: size }) => sum + size, 0)).toBeLessThanOrEqual(150e6);
  });
});

test.for([
  "psql --version",
  "DIR/psql --version",
  "DIR/pg_dump --version; node --version",
  "DIR/pg_dump $(node --version)",
  "`node --version`",
  "DIR/pg_dump --version | node",
  "node --version\nDIR/pg_dump --version",
  "",
])("what PostgreSQL's image has for pg_dumpall in place of a shell refuses %j", async (command) => {
  const { Config: config } = await (await engine()).getImage(images.postgres).inspect();
  const folder = /^PATH=([^:]*)/m.exec((config.Env ?? []).join("\n"))?.[1] ?? "";
  const args = ["-c", command.replaceAll("DIR", folder)];
  const { exitCode, stdout } = await run(site, images.postgres, {}, args, { entrypoint: ["/bin/sh"] });
  expect({ exitCode, stdout }).toEqual({ exitCode: 126, stdout: "" });
});

test("MariaDB's ways to log in are there, those of MySQL among them", async () => {
  const { files } = await survey(site, images.mariadb);
  const plugins = files.map(({ path }) => /\/libmariadb3\/plugin\/(.*)\.so$/.exec(path)?.[1]);
  expect(plugins).toEqual(
    expect.arrayContaining([
      "caching_sha2_password",
      "sha256_password",
      "client_ed25519",
      "mysql_clear_password",
      "dialog",
    ]),
  );
});
