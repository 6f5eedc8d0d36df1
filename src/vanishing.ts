import { readFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";

/** What to do about it. */
export const mountHint = "mount a volume there";

/**
 * Whether what is written to a folder goes with the container, or with the machine's memory, and how to say so. For the first process
 * of a container only: elsewhere it is nothing to warn of.
 */
export function vanishing(folder: string): string | undefined {
  try {
    return vanishingMount(existing(folder), readFileSync("/proc/self/mountinfo", "utf8"));
  } catch {
    return undefined; // no /proc: then it cannot be told
  }
}

/** What a folder that is going to be made will lie in, by its real path. */
function existing(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    if (folder === dirname(folder)) throw error;
    return existing(dirname(folder));
  }
}

/**
 * The same by the mounts that there are.
 * @param folder its real path
 * @param mountinfo as proc_pid_mountinfo(5) has it
 */
export function vanishingMount(folder: string, mountinfo: string): string | undefined {
  const mounts = mountinfo.split("\n").flatMap((line) => {
    const [, point, type] = /^\S+ \S+ \S+ \S+ (\S+) .*? - (\S+) /.exec(line) ?? [];
    return point === undefined || type === undefined ? [] : [{ point: unescape(point), type }];
  });
  const within = mounts.filter(({ point }) => point === "/" || `${folder}/`.startsWith(`${point}/`));
  // Of several at one place the last lies on top.
  const mount = within.toReversed().toSorted((a, b) => b.point.length - a.point.length)[0];
  if (mount?.type === "overlay" && mount.point === "/")
    return "in the container itself, and are gone when that is removed";
  if (mount?.type === "tmpfs" || mount?.type === "ramfs")
    return `in memory (${mount.type} at ${mount.point}), which keeps them only while this container or machine runs`;
  return undefined;
}

/** Blanks and the like stand as octal numbers. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
