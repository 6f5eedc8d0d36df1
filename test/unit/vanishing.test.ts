import { expect, test } from "vitest";
import { vanishing, vanishingMount } from "../../src/vanishing.ts";

/** Of a container of Docker's, with a volume, a folder of the host and a tmpfs. */
const container = `\
1040 884 0:198 / / rw,relatime master:380 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B
1041 1040 0:201 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
1042 1040 0:202 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
1052 1040 254:1 /var/lib/docker/volumes/backups/_data /backups rw,relatime master:1 - ext4 /dev/vda1 rw
1053 1040 254:1 /srv/two\\040words /mnt/two\\040words rw,relatime master:1 - ext4 /dev/vda1 rw
1054 1040 0:204 / /tmp rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw
1055 1052 0:205 / /backups/hot rw,relatime - tmpfs tmpfs rw`;

const machine = `\
22 28 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard
99 28 0:40 / /var/lib/docker/overlay2/x/merged rw,relatime - overlay overlay rw,lowerdir=/a
29 28 0:26 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,size=401096k`;

const own = "in the container itself, and are gone when that is removed";
const memory = (point: string): string =>
  `in memory (tmpfs at ${point}), which keeps them only while this container or machine runs`;

test.each([
  ["/", own],
  ["/data", own],
  ["/backupsets", own],
  ["/mnt", own],
  ["/backups", undefined],
  ["/backups/of/today", undefined],
  ["/mnt/two words/x", undefined],
  ["/tmp/x", memory("/tmp")],
  ["/backups/hot", memory("/backups/hot")],
])("in a container: %s", (folder, expected) => {
  expect(vanishingMount(folder, container)).toBe(expected);
});

test.each(["/", "/srv/backups", "/var/lib/docker/overlay2/x/merged/y"])("on a machine: %s", (folder) => {
  expect(vanishingMount(folder, machine)).toBeUndefined();
});

test("of two mounts at one place the later counts", () => {
  const covered = `${container}\n1060 1040 254:1 /srv /tmp rw,relatime - ext4 /dev/vda1 rw`;
  expect(vanishingMount("/tmp/x", covered)).toBeUndefined();
});

test("a mountinfo that cannot be read says nothing", () => {
  expect(vanishingMount("/x", "")).toBeUndefined();
  expect(vanishingMount("/x", "garbage\n- - -")).toBeUndefined();
});

test("of a folder that is not there yet, that counts which it will lie in", () => {
  const memoryHere =
    "in memory (tmpfs at /dev/shm), which keeps them only while this container or machine runs";
  expect(vanishing("/dev/shm/not/yet")).toBe(memoryHere);
  expect(vanishing("/proc/not/yet")).toBeUndefined();
});
