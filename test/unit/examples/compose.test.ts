import { Ajv } from "ajv";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseCommandLine } from "../../../src/command-line.ts";
import { parseConfig } from "../../../src/config.ts";
import { version } from "../../../src/version.ts";
import { projectFolder } from "../../setup/environment.ts";

/** What is looked at in a service; the specification's schema sees to the rest. */
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

// The specification's own: https://github.com/compose-spec/compose-spec. The name of its dialect is not the registered one.
const specification = JSON.parse(
  readFileSync(join(projectFolder, "node_modules/docker-compose/schema/compose-spec.json"), "utf8"),
) as object;
const schema = { ...specification, $schema: "http://json-schema.org/draft-07/schema#" };
const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);

function schemaProblems(text: string): string[] {
  if (validate(parse(text, { merge: true }))) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
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

  test("is of the specification", () => {
    expect(schemaProblems(text)).toEqual([]);
  });

  test.each([
    ["cap_drop:", "cap_drops:", /must NOT have additional properties .*cap_drops/],
    ["read_only: true", "read_only: [yes]", /read_only must be boolean/],
    ["condition: service_started", "condition: started", /condition must be equal to one of/],
  ])("a slip is found: %s", (there, instead, problem) => {
    const slip = text.replace(there, instead);
    expect(slip).not.toBe(text);
    expect(schemaProblems(slip).join("\n")).toMatch(problem);
  });

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
