import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseCommandLine } from "../../../src/command-line.ts";
import { parseConfig } from "../../../src/config.ts";
import { version } from "../../../src/version.ts";
import { projectFolder } from "../../setup/environment.ts";

/** What is looked at in a service; Compose itself sees to the rest, see test/images/examples. */
interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly [key: string]: unknown;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { file: string }>>;
}

const hardened = {
  user: "1001:1001",
  read_only: true,
  tmpfs: ["/tmp"],
  cap_drop: ["ALL"],
  security_opt: ["no-new-privileges:true"],
  mem_limit: "256m",
  stop_grace_period: "60s",
};

describe.each(["compose.yaml", "compose.mariadb.yaml"])("%s", (file) => {
  const text = readFileSync(join(projectFolder, "examples/compose", file), "utf8");
  const compose = parse(text, { merge: true }) as Compose;
  const services = Object.entries(compose.services).filter(([, { image }]) => image.startsWith("rcdump-"));

  test("makes backups and brings them back", () => {
    expect(services.map(([name]) => name)).toEqual(["backup", "recovery"]);
  });

  test.each(services)("%s is hardened, and has settings that rcdump knows", (name, service) => {
    expect(service).toMatchObject(hardened);
    expect([`rcdump-postgres:${version}`, `rcdump-mariadb:${version}`]).toContain(service.image);
    const { command } = parseCommandLine(service.command ?? []);
    expect(command).toBe(name === "backup" ? "backup" : "list");
    const engine = /rcdump-(\w+)/.exec(service.image)?.[1];
    const mounted = (service.secrets ?? []).map((secret) => `/run/secrets/${secret}`);
    const { DECRYPT_IDENTITY_FILE: identity, ...environment } = service.environment ?? {};
    const config = parseConfig({ BACKUP_ENGINE: engine, ...environment }, (path) => {
      expect(mounted).toContain(path);
      return "change-me";
    });
    expect(config.remote).toBe("/backups");
    expect(config.recipients).toHaveLength(1);
    expect(mounted).toContain(
      name === "backup" ? (environment["PGPASSWORD_FILE"] ?? environment["MYSQL_PWD_FILE"]) : identity,
    );
  });

  test("has secrets in files only", () => {
    for (const [name, secret] of Object.entries(compose.secrets)) expect(basename(secret.file)).toBe(name);
    const variables = Object.values(compose.services).flatMap(({ environment }) =>
      Object.keys(environment ?? {}),
    );
    expect(
      variables.filter((name) => /PASS|PWD|SECRET|TOKEN|KEY/.test(name) && !name.endsWith("_FILE")),
    ).toEqual([]);
  });
});
