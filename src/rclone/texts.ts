import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { RemoteTraits } from "../remote.ts";
import { makeTemporaryFolder, noTemporaryFolder, removeTemporaryFolder } from "../temporary-folder.ts";
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
  const folder = makeTemporaryFolder("remote");
  try {
    const thrift = ["--no-check-dest", "--ignore-checksum", "--no-update-modtime"];
    const args = ["copy", ...manyAtOnce(traits), ...thrift, ...filter, rclone.address(""), folder];
    await evenIfMissing(rclone.ask(args, { ...question, about: "all" }));
    return readTexts(folder);
  } catch (error) {
    if (error instanceof RcloneFailure && noRoom.test(error.message))
      throw noTemporaryFolder("remote", error);
    throw error;
  } finally {
    removeTemporaryFolder(folder);
  }
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
