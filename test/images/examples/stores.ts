import { execa } from "execa";
import { randomUUID } from "node:crypto";
import { Wait } from "testcontainers";
import { files, storesImage, type Site } from "../fixtures/site.ts";

/** A store that is as an example has it: of that name, for that account. */
export interface ExampleStore {
  /** What goes into the example's Secret. */
  readonly secrets: Readonly<Record<string, string>>;
  /** All that is stored in the folder `backups`, sorted. */
  list(): Promise<string[]>;
}

/** sftp:22, for the account `backup` by its key, in its home. */
export async function startExampleSftp(site: Site): Promise<ExampleStore> {
  const keys = `${files}/sftp`;
  await site.script(
    `mkdir ${keys}; cd ${keys}; for name in host user; do ssh-keygen -q -t ed25519 -N '' -f $name; done`,
  );
  const settings = [
    `HostKey=${keys}/host`,
    `AuthorizedKeysFile=${keys}/user.pub`,
    "AuthenticationMethods=publickey",
    "StrictModes=no",
    "PidFile=none",
    "Subsystem=sftp internal-sftp",
    "ForceCommand=internal-sftp",
  ];
  // Debian has an account of that name for other things.
  const script = `usermod --home /srv/sftp backup; chown backup /srv/sftp; exec /usr/sbin/sshd -D -e -f /dev/null "$@"`;
  const container = await site
    .container(storesImage, "sftp")
    .withEntrypoint(["sh", "-euc", script, "sftp"])
    .withCommand(settings.flatMap((setting) => ["-o", setting]))
    .withWaitStrategy(Wait.forLogMessage(/Server listening/))
    .start();
  return {
    secrets: {
      id_ed25519: `${await site.script(`cat ${keys}/user`)}\n`,
      known_hosts: `sftp ${await site.script(`cut -d ' ' -f 1,2 ${keys}/host.pub`)}\n`,
    },
    list: () => filesIn(container, "/srv/sftp/backups"),
  };
}

/** http://webdav:8080, for the account `backup`. */
export async function startExampleWebdav(site: Site): Promise<ExampleStore> {
  const password = randomUUID();
  const script = `
    sed -i 's/^Listen 80$/Listen 8080/' /etc/stores/webdav.conf
    echo "backup:$(printf %s "$STORE_PASSWORD" | openssl passwd -apr1 -stdin)" >/etc/stores/webdav-users
    exec apache2 -D FOREGROUND -f /etc/stores/webdav.conf`;
  const container = await site
    .container(storesImage, "webdav")
    .withEntrypoint(["sh", "-euc", script])
    .withEnvironment({ STORE_PASSWORD: password })
    .withWaitStrategy(Wait.forLogMessage(/resuming normal operations/))
    .start();
  const { stdout: obscured } = await execa("rclone", ["obscure", "-"], { input: password });
  return { secrets: { obscured }, list: () => filesIn(container, "/srv/webdav/backups") };
}

async function filesIn(
  container: { exec(command: string[]): Promise<{ stdout: string }> },
  folder: string,
): Promise<string[]> {
  const command = ["find", folder, "-type", "f", "-printf", "%P\n"];
  const { stdout } = await container.exec(command);
  return stdout.trim().split("\n").toSorted();
}
