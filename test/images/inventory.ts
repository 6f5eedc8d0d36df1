/**
 * `node test/images/inventory.ts IMAGE`: what is in an image, as Markdown: Debian's packages by the records in
 * /var/lib/dpkg/status.d (what scanners read), npm's by the package.json files in /app, and what Node and rclone are
 * built from by their own account. A release's SBOM is made by the build; this needs nothing but the image.
 */
import { execa } from "execa";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { removeFolder, temporaryFolder } from "../fixtures/folder.ts";

interface Component {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
}

const image = process.argv[2];
if (image === undefined) throw new Error("usage: node test/images/inventory.ts IMAGE");

const root = temporaryFolder("image");
try {
  await unpack(image, root);
  const node = JSON.parse(await run(image, "node", "--print", "JSON.stringify(process.versions)")) as Record<
    string,
    string
  >;
  const { node: nodeVersion = "", ...partsOfNode } = node;
  // It reads itself, and looks for itself by the name that it was called by.
  const modules = (await run(image, "/usr/local/bin/rclone", "version", "--deps"))
    .split("\n")
    .filter((line) => line !== "");
  const debian = debianPackages(root);
  const rcloneVersion = /^rclone v(\S+)/.exec(await run(image, "rclone", "version"))?.[1] ?? "";
  const programs: Component[] = [
    { name: "node", version: nodeVersion, licence: "MIT and those of its parts" },
    { name: "rclone", version: rcloneVersion, licence: "MIT and those of its modules" },
  ];
  print("Programs", programs);
  print(`Debian packages (${debian.length})`, debian);
  const npm = npmPackages(root);
  print(`npm packages (${npm.length})`, npm);
  console.log(
    `## Within Node\n\n${Object.entries(partsOfNode)
      .map((part) => part.join(" "))
      .join(", ")}\n`,
  );
  console.log(`## Go modules within rclone (${modules.length})\n\n${modules.join("\n")}`);
} finally {
  removeFolder(root);
}

async function unpack(image: string, folder: string): Promise<void> {
  const { stdout: container } = await execa("docker", ["create", image]);
  try {
    const tar = join(folder, "image.tar");
    await execa("docker", ["export", "--output", tar, container]);
    await execa("tar", ["-x", "-f", tar, "-C", folder, "--no-same-owner"]);
  } finally {
    await execa("docker", ["rm", container]);
  }
}

async function run(image: string, program: string, ...args: string[]): Promise<string> {
  return (
    await execa("docker", ["run", "--rm", "--network", "none", "--entrypoint", program, image, ...args])
  ).stdout;
}

function debianPackages(root: string): Component[] {
  const records = join(root, "var/lib/dpkg/status.d");
  return readdirSync(records)
    .toSorted()
    .map((name) => ({
      name,
      version: /^Version: (.*)$/m.exec(readFileSync(join(records, name), "utf8"))?.[1] ?? "",
      licence: licencesIn(readFileSync(join(root, "usr/share/doc", name, "copyright"), "utf8")),
    }));
}

/** Of a copyright file in Debian's machine-readable format; older ones are prose. */
function licencesIn(copyright: string): string {
  const names = [...copyright.matchAll(/^License: *(\S.*)$/gm)].map(([, name]) => name ?? "");
  return names.length === 0 ? "see its copyright file" : [...new Set(names)].join(", ");
}

function npmPackages(root: string): Component[] {
  const modules = join(root, "app/node_modules");
  return readdirSync(modules, { recursive: true, encoding: "utf8" })
    .filter((path) => /^(@[^/]+\/)?[^/]+\/package\.json$/.test(path))
    .toSorted()
    .map((path) => {
      const { version, license } = JSON.parse(readFileSync(join(modules, path), "utf8")) as Record<
        string,
        string
      >;
      return { name: dirname(path), version: version ?? "", licence: license ?? "" };
    });
}

function print(title: string, components: readonly Component[]): void {
  const rows = components.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`);
  console.log(`## ${title}\n\n| | Version | Licence |\n|---|---|---|\n${rows.join("\n")}\n`);
}
