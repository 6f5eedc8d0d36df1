import { BackupError } from "./errors.ts";
import { redact } from "./redaction.ts";

/**
 * Joins `REMOTE_NAME` and `UPLOAD_PREFIX` to the folder they name, in rclone's notation.
 *
 * The name is taken with or without its final colon, as the predecessor takes it: rclone itself reads a
 * name without one as a local file, silently. A leading `/` means the local file system.
 * @throws BackupError for a name or a prefix that rclone would misread
 */
export function parseRemoteName(name: string, prefix: string): string {
  const [, folder] = /^\w+:\/\/(.*)$/s.exec(prefix) ?? [];
  if (folder !== undefined)
    throw new BackupError("configuration", `UPLOAD_PREFIX is ${JSON.stringify(redact(prefix))}, a URL`, {
      hint: `write the folder alone, ${redact(folder)}: what kind of store it is says the remote`,
    });
  if (name.startsWith("/")) return join(name, prefix);
  const end = name.startsWith(":") ? endOfConnectionString(name) : name.indexOf(":");
  if (end === -1 && !name.startsWith(":") && !/^[\w.+@][\w.+@ -]*$/.test(name))
    throw new BackupError(
      "configuration",
      `REMOTE_NAME is ${JSON.stringify(redact(name))}, which is no remote's name`,
      {
        hint: "write the name of a remote such as store, a connection string such as :s3,env_auth, or an absolute path",
      },
    );
  if (end === -1) return join(`${name}:`, prefix);
  if (name.startsWith(":") && name.slice(end + 1).startsWith("//"))
    throw new BackupError(
      "configuration",
      "REMOTE_NAME is a connection string with an unquoted : in a value",
      {
        hint: `put such a value in double quotes, as in :s3,endpoint="https://host:9000"`,
      },
    );
  return join(name, prefix);
}

/** The folder that a name stands for, without the options of a connection string: secrets are among them, and those change. */
export function withoutOptions(location: string): string {
  const end = location.startsWith("/") ? -1 : endOfConnectionString(location);
  return end === -1 ? location : location.slice(0, end).replace(/,.*$/s, "") + location.slice(end);
}

/** A slash goes between the two unless the first ends a remote's name: `SFTP:/mnt` is absolute and must stay so. */
function join(remote: string, prefix: string): string {
  if (prefix === "" || remote.endsWith(":")) return remote + prefix;
  return `${remote.replace(/\/+$/, "")}/${prefix.replace(/^\/+/, "")}`;
}

/**
 * Where the colon is that ends a connection string, or -1: the first one that stands in no quoted value.
 * Source: https://rclone.org/docs/#connection-strings
 */
function endOfConnectionString(text: string): number {
  let quote = "";
  for (let index = 1; index < text.length; index++) {
    const letter = text[index] ?? "";
    if (quote !== "") quote = letter === quote ? "" : quote;
    else if ((letter === '"' || letter === "'") && text[index - 1] === "=") quote = letter;
    else if (letter === ":") return index;
  }
  return -1;
}
