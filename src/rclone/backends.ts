import type { Environment } from "../environment.ts";

/** A store, or a layer over one as crypt and union are, with the options that were given for it. */
export interface Backend {
  /** Its type, such as `s3`. */
  readonly type: string;
  /** By rclone's names for them, as rclone would have them; secrets among them. */
  readonly options: Options;
}

type Options = Readonly<Record<string, string>>;

/** What a configuration file has, by the names of its remotes. */
export type Sections = Readonly<Record<string, Options>>;

/**
 * What a folder is stored by: its own backend, and all that lie below it and see a stream in one piece. What is not configured is
 * left out.
 * @param location in rclone's notation
 * @param sections of rclone's configuration file
 * @param environment may configure remotes as well, and comes before the file
 */
export function backendsOf(location: string, sections: Sections, environment: Environment): Backend[] {
  const found: Backend[] = [];
  const waiting = [location];
  const seen = new Set<string>();
  for (let text = waiting.pop(); text !== undefined; text = waiting.pop()) {
    if (seen.has(text)) continue;
    seen.add(text);
    const backend = readBackend(text, sections, environment);
    if (backend === undefined) continue;
    found.push(backend);
    // It cuts streams into pieces of its own, which are small to those below it.
    if (backend.type === "chunker") continue;
    // alias, crypt, compress and hasher lie over one remote, union and combine over several.
    const { remote, upstreams } = backend.options;
    if (remote !== undefined) waiting.push(remote);
    if (upstreams !== undefined) waiting.push(...readUpstreams(upstreams));
  }
  return found;
}

/** What stands before the path: `name`, `:type`, and either with `,option=value`. https://rclone.org/docs/#connection-strings */
const remoteName = /^(:?)([^:,/]+)((?:,\w+(?:=(?:"(?:[^"]|"")*"|'(?:[^']|'')*'|[^,:]*))?)*):/;
const option = /,(\w+)(?:=("(?:[^"]|"")*"|'(?:[^']|'')*'|[^,:]*))?/g;

function readBackend(text: string, sections: Sections, environment: Environment): Backend | undefined {
  const [, isType, name, given = ""] = remoteName.exec(text) ?? [];
  if (name === undefined) return undefined;
  const own = Object.fromEntries(
    [...given.matchAll(option)].map(([, key = "", value]) => [
      key,
      value === undefined ? "true" : unquote(value),
    ]),
  );
  const named = isType
    ? { type: name }
    : { ...sections[name], ...variables(`RCLONE_CONFIG_${name.replaceAll("-", "_")}_`, environment) };
  const type = own["type"] ?? named["type"];
  if (type === undefined) return undefined;
  const ofType = variables(`RCLONE_${type === "oracleobjectstorage" ? "oos" : type}_`, environment);
  return { type, options: { ...named, ...ofType, ...own } };
}

/** What variables of a prefix give options. */
function variables(prefix: string, environment: Environment): Options {
  const start = prefix.toUpperCase();
  return Object.fromEntries(
    Object.entries(environment).flatMap(([variable, value]) =>
      variable.startsWith(start) && value !== undefined
        ? [[variable.slice(start.length).toLowerCase(), value]]
        : [],
    ),
  );
}

/** Remotes between blanks, each of which may be in quotes; combine writes `folder=` before each. */
function readUpstreams(text: string): string[] {
  return [...text.matchAll(/"(?:[^"]|"")*"|\S+/g)].map(([upstream]) =>
    unquote(upstream).replace(/^[^:,="]*=/, ""),
  );
}

function unquote(text: string): string {
  const quote = text[0];
  if (text.length < 2 || (quote !== '"' && quote !== "'") || !text.endsWith(quote)) return text;
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}
