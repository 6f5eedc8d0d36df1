import { execa } from "execa";

/** What rclone says of an option of a kind of remote, in `rclone config providers`. */
interface Option {
  readonly Name: string;
  readonly Type?: string;
  readonly Required?: boolean;
  readonly IsPassword?: boolean;
}

/** What the rclone that is here knows. */
export interface Rclone {
  /** The options of each kind of remote. */
  readonly kinds: ReadonlyMap<string, readonly Option[]>;
  /** Its flags, without `--`. */
  readonly flags: ReadonlySet<string>;
}

/** Debian's rclone is built without it. Source: https://rclone.org/azureblob/, as of 1.75. */
const azureblob: readonly Option[] = [
  { Name: "account" },
  { Name: "env_auth", Type: "bool" },
  { Name: "key" },
  { Name: "sas_url" },
  { Name: "connection_string" },
  { Name: "tenant" },
  { Name: "client_id" },
  { Name: "client_secret" },
  { Name: "endpoint" },
  { Name: "no_check_container", Type: "bool" },
];

/** Asks the rclone on PATH. */
export async function askRclone(): Promise<Rclone> {
  const { stdout: providers } = await execa("rclone", ["config", "providers"]);
  const { stdout: flags } = await execa("rclone", ["help", "flags"]);
  const all = JSON.parse(providers) as { Name: string; Options: Option[] }[];
  return {
    kinds: new Map([["azureblob", azureblob], ...all.map(({ Name, Options }) => [Name, Options] as const)]),
    flags: new Set(flags.matchAll(/--([a-z0-9-]+)/g).map(([, flag = ""]) => flag)),
  };
}

/** Variables that rclone would not read, or not understand. */
export function rcloneProblems(rclone: Rclone, environment: Readonly<Record<string, string>>): string[] {
  const remotes = Object.keys(environment).flatMap(
    (name) => /^RCLONE_CONFIG_([A-Z0-9]+)_TYPE$/.exec(name)?.[1] ?? [],
  );
  const local = environment["REMOTE_NAME"]?.startsWith("/") === true;
  return [
    ...(local || remotes.includes(environment["REMOTE_NAME"]?.toUpperCase() ?? "")
      ? []
      : ["REMOTE_NAME is no remote of these"]),
    ...remotes.flatMap((remote) => remoteProblems(rclone, environment, `RCLONE_CONFIG_${remote}_`)),
    ...Object.keys(environment).flatMap((name) => {
      if (name === "RCLONE_CONFIG" || !name.startsWith("RCLONE_")) return [];
      if (remotes.some((remote) => name.startsWith(`RCLONE_CONFIG_${remote}_`))) return [];
      const flag = name.slice("RCLONE_".length).toLowerCase().replaceAll("_", "-");
      return rclone.flags.has(flag) ? [] : [`${name}: rclone has no --${flag}`];
    }),
  ];
}

function remoteProblems(
  rclone: Rclone,
  environment: Readonly<Record<string, string>>,
  prefix: string,
): string[] {
  const kind = environment[`${prefix}TYPE`] ?? "";
  const options = rclone.kinds.get(kind);
  if (options === undefined) return [`${prefix}TYPE: rclone has no ${kind}`];
  const variable = ({ Name }: Option): string => prefix + Name.toUpperCase();
  return [
    ...Object.keys(environment)
      .filter((name) => name.startsWith(prefix) && name !== `${prefix}TYPE`)
      .filter((name) => !options.some((option) => variable(option) === name))
      .map((name) => `${name}: ${kind} has no such option`),
    ...options
      .filter((option) => option.Required === true && environment[variable(option)] === undefined)
      .map((option) => `${variable(option)} is missing`),
    ...options
      .filter(
        (option) => option.Type === "bool" && !/^(true|false)?$/.test(environment[variable(option)] ?? ""),
      )
      .map((option) => `${variable(option)} is neither true nor false`),
  ];
}
