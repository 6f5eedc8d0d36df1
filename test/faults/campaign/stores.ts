import type { StoreName } from "../../stores/store.ts";

/** Those that differ in how an object comes to its name, and answer quickly enough for a thousand runs. */
export const defaultStores: readonly StoreName[] = [
  "local",
  "sftp",
  "s3",
  "webdav of rclone",
  "smb",
  "union",
  "crypt over s3",
];
