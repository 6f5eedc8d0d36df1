/** Uploads to `FOLDER PATH` without end, and says so when several parts are on their way: a process to kill. Its stdin is the environment of rclone. */
import { randomBytes } from "node:crypto";
import { json } from "node:stream/consumers";
import type { Environment } from "../../src/environment.ts";
import { RcloneRemote } from "../../src/rclone/rclone-remote.ts";
import { beginUpload } from "./upload.ts";

const [, , folder = "", path = ""] = process.argv;
const remote = new RcloneRemote(folder, (await json(process.stdin)) as Environment);
const { gone } = await beginUpload(remote, path, randomBytes(12 * 1024 * 1024));
process.stdout.write("under way\n");
await gone;
