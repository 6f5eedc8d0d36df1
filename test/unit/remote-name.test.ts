import { describe, expect, test } from "vitest";
import { BackupError } from "../../src/errors.ts";
import { parseRemoteName, withoutOptions } from "../../src/remote-name.ts";

describe("the folder that a remote's name and a prefix stand for", () => {
  test.for<[name: string, prefix: string, location: string]>([
    // With and without the final colon: rclone takes a name without one for a local file.
    ["store", "", "store:"],
    ["store:", "", "store:"],
    ["store", "bucket/x", "store:bucket/x"],
    ["store:", "bucket", "store:bucket"],
    ["store:bucket", "x", "store:bucket/x"],
    ["store:bucket/", "x", "store:bucket/x"],
    ["store:bucket", "/x", "store:bucket/x"],
    // Absolute on the other side, and must stay so.
    ["sftp:", "/srv/backups", "sftp:/srv/backups"],
    ["sftp:/srv", "x", "sftp:/srv/x"],
    ["/srv/backups", "", "/srv/backups"],
    ["/srv/backups/", "x/y", "/srv/backups/x/y"],
    ["my remote", "", "my remote:"],
    ["a.b-c_d+e@f", "", "a.b-c_d+e@f:"],
    [":s3,env_auth", "", ":s3,env_auth:"],
    [":s3,env_auth:", "bucket", ":s3,env_auth:bucket"],
    [":s3,env_auth:bucket", "x", ":s3,env_auth:bucket/x"],
    [':s3,endpoint="https://h:9000"', "b", ':s3,endpoint="https://h:9000":b'],
    [':s3,endpoint="https://h:9000":b', "x", ':s3,endpoint="https://h:9000":b/x'],
    [`:s3,endpoint='https://h:9000':`, "b", `:s3,endpoint='https://h:9000':b`],
    [':sftp,pass="a"":b":', "x", ':sftp,pass="a"":b":x'],
    [":local:", "/srv", ":local:/srv"],
    ["alias,remote=x:", "y", "alias,remote=x:y"],
  ])("%s and %s: %s", ([name, prefix, location]) => {
    expect(parseRemoteName(name, prefix)).toBe(location);
  });
});

describe("what rclone would misread is refused", () => {
  function refusal(name: string): BackupError {
    try {
      parseRemoteName(name, "");
    } catch (error) {
      if (error instanceof BackupError) return error;
    }
    throw new Error(`${name} was not refused`);
  }

  test.for(["backups/daily", "./store", "~/store", "store/", "-store", "a,b"])("%s is no name", (name) => {
    const { operation, message, hint } = refusal(name);
    expect({ operation, message, hint }).toEqual({
      operation: "configuration",
      message: `REMOTE_NAME is ${JSON.stringify(name)}, which is no remote's name`,
      hint: "write the name of a remote such as store, a connection string such as :s3,env_auth, or an absolute path",
    });
  });

  test.for([":s3,endpoint=https://h:9000:bucket", ":webdav,url=http://h/dav:"])(
    "%s has an unquoted URL, and is not shown",
    (name) => {
      const { message, hint } = refusal(name);
      expect(message).toBe("REMOTE_NAME is a connection string with an unquoted : in a value");
      expect(hint).toBe('put such a value in double quotes, as in :s3,endpoint="https://host:9000"');
    },
  );
});

test("a prefix that is a URL is refused: rclone would make a folder of its scheme", () => {
  expect(() => parseRemoteName("store", "s3://bucket/daily")).toThrow(
    /UPLOAD_PREFIX is "s3:\/\/bucket\/daily", a URL/,
  );
  expect(parseRemoteName("store", "a:b//c")).toBe("store:a:b//c");
});

test.for([
  ["store:bucket/x", "store:bucket/x"],
  ["/srv/a,b:c", "/srv/a,b:c"],
  [":s3,env_auth:bucket", ":s3:bucket"],
  [':s3,secret_access_key="a:b,c",endpoint="https://h:9000":bucket/x', ":s3:bucket/x"],
  ['store,pass="a:b":x', "store:x"],
  ["store:a,b", "store:a,b"],
] as const)("of %s the folder alone is %s", ([location, folder]) => {
  expect(withoutOptions(location)).toBe(folder);
});

test.for([
  ["s3,secret_access_key=hunter2", ""],
  ["store", "https://account.blob.example/c?sv=1&sig=hunter2"],
] as const)("a slip of the pen is refused without the secret: %s %s", ([name, prefix]) => {
  const refusal = ((): unknown => {
    try {
      return parseRemoteName(name, prefix);
    } catch (error) {
      return error;
    }
  })();
  expect(refusal).toBeInstanceOf(BackupError);
  const { message, hint } = refusal as BackupError;
  expect(`${message} ${hint}`).not.toContain("hunter2");
});
