import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { BackupError } from "../errors.ts";
import type { RemoteTraits } from "../remote.ts";
import { RcloneFailure } from "./failure.ts";
import { evenIfMissing } from "./listing.ts";
import type { Question, Rclone } from "./rclone.ts";
import { manyAtOnce } from "./traits.ts";

/** What rclone says of a disk that takes no more. */
const noRoom = /no space left|remaining disk space|file too large/;

/**
 * The texts of many objects by their paths, copied here many at once.
 * @param filter options of rclone's that choose among them
 */
export async function copyTexts(
  rclone: Rclone,
  traits: RemoteTraits,
  filter: readonly string[],
  question: Omit<Question, "about">,
): Promise<Map<string, string>> {
  const folder = makeTemporaryFolder();
  try {
    const thrift = ["--no-check-dest", "--ignore-checksum", "--no-update-modtime"];
    const args = ["copy", ...manyAtOnce(traits), ...thrift, ...filter, rclone.address(""), folder];
    await evenIfMissing(rclone.ask(args, { ...question, about: "all" }));
    return readTexts(folder);
  } catch (error) {
    if (error instanceof RcloneFailure && noRoom.test(error.message)) throw noTemporaryFolder(error);
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws BackupError if there is no place for one, as in a container whose file system is read-only */
function makeTemporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "rcdump-"));
  } catch (cause) {
    throw noTemporaryFolder(cause);
  }
}

function noTemporaryFolder(cause: unknown): BackupError {
  return new BackupError("remote", `cannot write to the temporary folder ${tmpdir()}`, {
    hint: "mount a tmpfs there, or set TMPDIR to a folder that can be written to and has room",
    cause,
  });
}

/** All files in and below a folder, by their paths in it. */
function readTexts(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [relative(folder, file), readFileSync(file, "utf8")];
    }),
  );
}
