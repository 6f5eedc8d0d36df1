import { execa } from "execa";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { version } from "../../../src/version.ts";
import { temporaryFolder } from "../../fixtures/folder.ts";
import { projectFolder } from "../../setup/environment.ts";
import { askRclone, rcloneProblems } from "./rclone.ts";

const folder = join(projectFolder, "examples/systemd");
const units = ["rcdump.service", "rcdump.timer", "rcdump-failed@x.service"];
const service = readFileSync(join(folder, "rcdump.service"), "utf8");

/** What the units refer to and systemd brings, or Docker. */
const given = [
  "sysinit.target",
  "basic.target",
  "shutdown.target",
  "network-online.target",
  "timers.target",
  "time-set.target",
  "time-sync.target",
];

/** What systemd has to say of the units, on a machine that has just what they need. */
async function verify(change: (unit: string) => string = (unit) => unit): Promise<string> {
  const root = temporaryFolder("systemd");
  const to = join(root, "etc/systemd/system");
  mkdirSync(to, { recursive: true });
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  for (const name of given) writeFileSync(join(to, name), `[Unit]\nDescription=${name}\n`);
  writeFileSync(join(to, "docker.service"), "[Service]\nExecStart=/usr/bin/docker\n");
  for (const program of ["docker", "curl"])
    writeFileSync(join(root, "usr/bin", program), "#!/bin/sh\n", { mode: 0o755 });
  for (const name of readdirSync(folder)) {
    copyFileSync(join(folder, name), join(to, name));
    writeFileSync(join(to, name), change(readFileSync(join(folder, name), "utf8")));
  }
  const { all, exitCode } = await execa("systemd-analyze", ["verify", `--root=${root}`, ...units], {
    all: true,
    reject: false,
  });
  return exitCode === 0 ? all : `${all}\nexit code ${exitCode}`;
}

test("systemd has nothing to say against the units", async () => {
  expect(await verify()).toBe("");
});

test.each([
  ["Persistent=", "Persistant=", "Unknown key 'Persistant'"],
  ["02:00:00", "25:00:00", "Failed to parse calendar specification"],
  ["Restart=on-failure", "Restart=sometimes", "Failed to parse service restart specifier"],
  ["/usr/bin/docker run", "/usr/bin/dockr run", "Command /usr/bin/dockr is not executable"],
])("a slip is found: %s", async (there, instead, problem) => {
  expect(await verify((unit) => unit.replace(there, instead))).toContain(problem);
});

test("to stop it, systemd asks rcdump alone, never the programs that rcdump runs", () => {
  expect(service).toMatch(/^KillMode=mixed$/m);
});

test("the container is hardened", () => {
  const [command = ""] = /^ExecStart=(?:.*\\\n)*.*$/m.exec(service) ?? [];
  const words = command.replaceAll("\\\n", " ").split(/\s+/);
  expect(words).toEqual(expect.arrayContaining(["--rm", "--read-only", "--tmpfs", "--user", "1001:1001"]));
  expect(command).toMatch(/--cap-drop ALL --security-opt no-new-privileges --memory 256m/);
  expect(words.at(-1)).toBe(`rcdump-postgres:${version}`);
});

test("the settings are rcdump's and rclone's, and hold no secret", async () => {
  const settings = parseEnv(readFileSync(join(folder, "rcdump.env"), "utf8"));
  const environment = {
    RCLONE_CONFIG: "/dev/null",
    REMOTE_NAME: "store",
    BACKUP_ENGINE: "postgres",
    ...settings,
  };
  const read: string[] = [];
  const config = parseConfig(environment, (path) => {
    read.push(path);
    return "change-me\n";
  });
  expect(config.recipients).toHaveLength(1);
  expect(read).toEqual(["/run/secrets/database-password"]);
  expect(service).toContain("--volume /etc/rcdump/secrets:/run/secrets:ro");
  expect(rcloneProblems(await askRclone(), environment as Record<string, string>)).toEqual([]);
  expect(
    Object.keys(settings).filter((name) => /PASS|SECRET|KEY$|TOKEN/.test(name) && !name.endsWith("_FILE")),
  ).toEqual([]);
});
