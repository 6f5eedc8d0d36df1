/**
 * A backup and its way back, on a database server that exists for these seconds only. Everything is done by
 * the commands that are shown. `npm run demo` shows PostgreSQL, `npm run demo -- mariadb` MariaDB.
 */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { removeFolder, temporaryFolder } from "../../test/fixtures/folder.ts";
import { projectFolder } from "../../test/setup/environment.ts";
import { mariadbShop } from "./mariadb-shop.ts";
import { postgresShop } from "./postgres-shop.ts";
import type { Contents, Shop } from "./shop.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

const shops = { postgres: postgresShop, mariadb: mariadbShop };

async function demonstrate(shop: Shop, folder: string, terminal: Terminal): Promise<void> {
  terminal.step(`A ${shop.product} server with a small shop in it`);
  await terminal.type(shop.load(shopFile(shop)));
  const original = await shop.contents("shop");
  terminal.say(
    original
      .slice(0, 4)
      .map(({ name, count }) => `${count.toLocaleString("en")} ${name.replace("_", " ")}`)
      .join(", "),
  );

  terminal.step("A key. Backups are encrypted for its public half; only the file can decrypt them");
  await terminal.type("age-keygen -o key.txt");

  terminal.step("A backup, to a folder here; any remote that rclone knows is set up the same way");
  await terminal.type(
    [
      ...store(shop),
      "export BACKUP_DATABASES=shop ENCRYPT_RECIPIENTS=$(age-keygen -y key.txt)",
      shop.backup,
    ].join("\n"),
  );
  await terminal.type("ls -gGh backups");

  terminal.step("Back again, into a database of another name");
  const key = "export DECRYPT_IDENTITY_FILE=$PWD/key.txt";
  await terminal.type([...store(shop), key, "rcdump list", shop.restore].join("\n"));

  terminal.step("And with plain tools: no rcdump needed");
  await terminal.type(shop.create);
  await terminal.type(`age -d -i key.txt ${findDump(folder)} | gunzip | ${shop.restoreByHand}`, {
    quiet: true,
  });

  terminal.step("Is it the same?");
  let differences = 0;
  for (const copy of ["shop_restored", "shop_by_hand"])
    differences += compare(original, await shop.contents(copy), terminal);
  if (differences > 0)
    throw new Error(`${differences} of the parts of the shop did not come back as they were`);
  console.log(styleText("green", "\nEverything came back. Removing the server, the key and the backup."));
}

/** What every command must know. */
function store({ engine }: Shop): string[] {
  return [
    `export BACKUP_ENGINE=${engine}`,
    "export RCLONE_CONFIG_STORE_TYPE=local UPLOAD_PREFIX=$PWD/backups",
  ];
}

function shopFile(shop: Shop): string {
  return `shop-${shop.engine}.sql`;
}

/** The path of the one dump in the store. */
function findDump(folder: string): string {
  const dumps = readdirSync(join(folder, "backups")).filter((name) => name.endsWith(".age"));
  if (dumps.length !== 1)
    throw new Error(`expected one dump in the store, found: ${dumps.join(", ") || "none"}`);
  return `backups/${dumps[0]}`;
}

/** Says for each part whether it is the same in both; returns how many are not. */
function compare(original: readonly Contents[], restored: readonly Contents[], terminal: Terminal): number {
  let differences = 0;
  for (const [index, { name, count, digest }] of original.entries()) {
    const other = restored[index];
    const same = other?.count === count && other.digest === digest;
    if (!same) differences += 1;
    const verdict = same ? styleText("green", "same") : styleText("red", "DIFFERENT");
    const counts = `${count.toLocaleString("en").padStart(7)} ${(other?.count ?? 0).toLocaleString("en").padStart(7)}`;
    terminal.say(`${name.padEnd(14)} ${counts}   ${verdict} ${styleText("dim", digest.slice(0, 12))}`);
  }
  return differences;
}

/** Makes the folder a place to work in: a home without anybody's settings, and `rcdump` as a command. */
function furnish(folder: string): Record<string, string> {
  const programs = join(folder, "bin");
  mkdirSync(programs);
  mkdirSync(join(folder, "backups"));
  const rcdump = join(programs, "rcdump");
  writeFileSync(
    rcdump,
    `#!/bin/sh\nexec "${process.execPath}" "${join(projectFolder, "src/main.ts")}" "$@"\n`,
  );
  chmodSync(rcdump, 0o755);
  return { HOME: folder, PATH: `${programs}:${process.env["PATH"]}`, RCLONE_CONFIG: "/dev/null" };
}

async function main(engine: string): Promise<number> {
  const start = shops[engine as keyof typeof shops];
  if (start === undefined) {
    console.error(
      `there is no demo of ${engine}; there is one of ${Object.keys(shops).join(" and one of ")}`,
    );
    return 2;
  }
  const cancelled = new AbortController();
  let signalled = 0;
  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.on(signal, () => {
      signalled = exitCode;
      cancelled.abort();
    });

  const folder = temporaryFolder("demo");
  let shop: Shop | undefined;
  try {
    shop = await start();
    copyFileSync(join(import.meta.dirname, shopFile(shop)), join(folder, shopFile(shop)));
    const terminal = openTerminal(folder, { ...furnish(folder), ...shop.env }, cancelled.signal);
    await demonstrate(shop, folder, terminal);
    return 0;
  } catch (error) {
    if (signalled > 0) {
      console.error("\nstopped; removing the server, the key and the backup");
      return signalled;
    }
    console.error(styleText("red", `\nthe demo failed: ${(error as Error).message}`));
    return 1;
  } finally {
    await shop?.stop();
    removeFolder(folder);
  }
}

process.exitCode = await main(process.argv[2] ?? "postgres");
