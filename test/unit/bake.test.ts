import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { projectFolder } from "../setup/environment.ts";

const read = (path: string): string => readFileSync(join(projectFolder, path), "utf8");
const bake = read("docker-bake.hcl");
const { version, devDependencies } = JSON.parse(read("package.json")) as {
  version: string;
  devDependencies: Record<string, string>;
};

/** The default of a variable of docker-bake.hcl. */
function defaultOf(name: string): string {
  const found = new RegExp(`^variable "${name}" \\{[^}]*?\\bdefault += "([^"]*)"`, "m").exec(bake);
  if (!found) throw new Error(`docker-bake.hcl has no variable ${name} with a default`);
  return found[1] ?? "";
}

/** The one version in an image's tag. */
const versionOf = (image: string): string => /:(\d+(\.\d+)+)/.exec(image)?.[1] ?? "";

describe("docker-bake.hcl says the same as other files that must say it", () => {
  test("rcdump's version: package.json", () => {
    expect(defaultOf("VERSION")).toBe(version);
  });

  test("Node's version: the one that everything is tested with", () => {
    expect(versionOf(defaultOf("NODE_IMAGE"))).toBe(devDependencies["node"]);
  });

  test("rclone's version: its stand-in", () => {
    const standIn = /^rclone_stand_in=(.*)$/m.exec(read("test/images/stand-ins/make.sh"))?.[1] ?? "";
    expect(versionOf(defaultOf("RCLONE_IMAGE"))).toBe(versionOf(standIn));
  });

  test("the tags in docs/images.md", () => {
    const tags = read("docs/images.md");
    expect(tags).toContain(`\`rclone-v${versionOf(defaultOf("RCLONE_IMAGE"))}\``);
    expect(tags).toContain(`\`${version}-${defaultOf("MARIADB_MAJOR")}\``);
    expect(tags).toContain(`\`${defaultOf("POSTGRES_MAJOR")}\`, \`17\``);
  });
});

test("base images are pinned by digest", () => {
  for (const name of ["NODE_IMAGE", "RCLONE_IMAGE"]) expect(defaultOf(name)).toMatch(/@sha256:[0-9a-f]{64}$/);
});
