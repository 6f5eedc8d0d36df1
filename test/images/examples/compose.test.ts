import { execa } from "execa";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../../fixtures/folder.ts";
import { projectFolder } from "../../setup/environment.ts";
import { runName } from "../fixtures/engine.ts";

/** The examples, and how a database of each is filled and looked at by the client that the server's own image has. */
const examples = [
  {
    file: "compose.yaml",
    client: (database: string, sql: string) =>
      `PGPASSWORD=$(cat secrets/database-password) docker compose exec -T -e PGPASSWORD postgres psql -XqAt -h 127.0.0.1 -U postgres -c "${sql}" ${database}`,
    fill: "CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id",
  },
  {
    file: "compose.mariadb.yaml",
    client: (database: string, sql: string) =>
      `MYSQL_PWD=$(cat secrets/database-password) docker compose exec -T -e MYSQL_PWD mariadb mariadb -u root -BN -e "${sql}" ${database}`,
    fill: "CREATE TABLE orders AS SELECT seq AS id FROM seq_1_to_1000",
  },
];

/** Where the commands that the examples name run. */
const folder = temporaryFolder("compose");
const start = "docker compose up -d";

/** Resolves to what a command for one of the examples wrote to stdout. */
async function run(command: string, file: string): Promise<string> {
  // A project of its own: the example's name may be in use.
  const env = { COMPOSE_FILE: file, COMPOSE_PROJECT_NAME: `${runName}-${file.replaceAll(".", "-")}` };
  const options = { cwd: folder, env, stdin: "ignore" } as const;
  const { stdout } = await execa("bash", ["-euo", "pipefail", "-c", command], options);
  return stdout;
}

/** The commands that an example says to try it out with. */
function commandsOf(file: string): string[] {
  const comment = /^(?:#.*\n)+/.exec(readFileSync(join(folder, file), "utf8"))?.[0] ?? "";
  return [...comment.matchAll(/^# {3}(\S.*)$/gm)].map(([, command]) => command ?? "");
}

/** Changes the text of an example. */
function change(file: string, from: string | RegExp, to: string): void {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  writeFileSync(path, changed);
}

beforeAll(async () => {
  for (const { file } of examples)
    copyFileSync(join(projectFolder, "examples/compose", file), join(folder, file));
  // The secrets, which both have in common.
  const commands = commandsOf("compose.yaml");
  for (const command of commands.slice(0, commands.indexOf(start))) await run(command, "compose.yaml");
  const recipient = await run("age-keygen -y secrets/identity", "compose.yaml");
  for (const { file } of examples) change(file, /(?<=ENCRYPT_RECIPIENTS: ).*/, recipient);
});
afterAll(async () => {
  for (const { file } of examples) await run("docker compose --profile rcdump down --volumes", file);
});

describe.each(examples)("$file", ({ file, client, fill }) => {
  test("its commands make a backup and restore it", async () => {
    const all = commandsOf(file);
    const commands = all.slice(all.indexOf(start));
    const backup = commands.findIndex((command) => /run --rm backup( +#|$)/.test(command));
    const restore = commands.findIndex((command) => command.includes("recovery restore"));
    const down = commands.length - 1;
    expect(commands[0]).toBe(start);
    expect(backup).toBeGreaterThan(0);
    expect(restore).toBeGreaterThan(backup);
    expect(commands[down]).toMatch(/ down /);

    for (const command of commands.slice(0, backup)) await run(command, file);
    await run(client("shop", fill), file);
    for (const command of commands.slice(backup, restore)) await run(command, file);
    expect(await run("docker compose run --rm recovery", file)).toMatch(/shop-.*\.sql\.gz\.age/);
    expect(await run("docker compose run --rm recovery verify --deep", file)).toMatch(/reads to its end/);
    for (const command of commands.slice(restore, down)) await run(command, file);
    const restored = await run(client("shop_restored", "SELECT count(*), sum(id) FROM orders"), file);
    expect(restored).toMatch(/^1000\W500500$/);

    await run(commands[down] ?? "", file);
    expect(
      await run("docker volume ls -q --filter label=com.docker.compose.project=$COMPOSE_PROJECT_NAME", file),
    ).toBe("");
  });

  // The wording depends on its version.
  test.each([
    ["cap_drop:", "cap_drops:", /cap_drops/],
    ["read_only: true", "read_only: [yes]", /read_only/],
    ["profiles: [rcdump]", "profiles: rcdump", /profiles/],
  ])("Compose finds a slip in it: %s", async (from, to, problem) => {
    const slip = `slip-${file}`;
    copyFileSync(join(folder, file), join(folder, slip));
    change(slip, from, to);
    await expect(run("docker compose config --quiet", slip)).rejects.toThrow(problem);
  });
});
