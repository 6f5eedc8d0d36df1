import { execa } from "execa";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";

/** What the figures depend on beside rcdump. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory: number;
  readonly kernel: string;
  readonly system: string;
  readonly programs: Readonly<Record<string, string>>;
}

/** How each program tells its version. MariaDB's tell one of their own in front of the server's. */
const programs: Record<string, string> = {
  node: "--version",
  postgres: "--version",
  pg_dump: "--version",
  mariadbd: "--version",
  "mariadb-dump": "--version",
  rclone: "version",
  age: "--version",
  rage: "--version",
  gzip: "--version",
  pigz: "--version",
  igzip: "--version",
  zstd: "--version",
};

export async function describeMachine(): Promise<Machine> {
  const versions = Object.entries(programs).map(async ([program, option]) => {
    const { all } = await execa(program, [option], { all: true });
    return [program, /Distrib (\d[\d.]+)/.exec(all)?.[1] ?? /\d+(\.\d+)+/.exec(all)?.[0] ?? all] as const;
  });
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memory: totalmem(),
    kernel: release(),
    system: /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux",
    programs: Object.fromEntries(await Promise.all(versions)),
  };
}
