import { changeLines } from "./mariadb-alteration.ts";
import { identifier } from "./mariadb-client.ts";

/** How the line begins on which mariadb-dump writes a view; that of a role is the second. */
export const viewBeginnings = ["/*!50001 VIEW `", "/*!50001 CREATE ALGORITHM="] as const;

/** Names with dots between them, a string, a name, a word, or any other letter. */
const token =
  /`(?:[^`]|``)*`(?:\.`(?:[^`]|``)*`)*|'(?:[^'\\]|\\[^]|'')*'|"(?:[^"\\]|\\[^]|"")*"|[a-z_]\w*|[^]/gi;

const isOther = /[^\s(]/;

/**
 * The server says of a view where its tables are, if one of them is in another database or its definer is not there: with
 * the name of the database that the view is in. In another database that would be a way out of it.
 * @param line of a dump, with a view as the server writes it
 * @returns the same with the tables and functions of `from` in `to`
 */
export function redirectView(line: string, from: string, to: string): string {
  const [origin, target] = [`${identifier(from)}.`, `${identifier(to)}.`];
  /** For each parenthesis that is open whether there is a SELECT in it: in others FROM is a part of a function. */
  const selects = [false];
  /** Whether a table comes next. A pair of names is a column otherwise, of a table that may be called as the database is. */
  let table = false;
  return line.replaceAll(token, (text: string, at: number) => {
    if (text.startsWith(origin)) {
      const isColumn = text.slice(origin.length).replaceAll("``", "").split("`.`").length > 1;
      const isFunction = line[at + text.length] === "(";
      const leads = isColumn || isFunction || table;
      table = false;
      return leads ? target + text.slice(origin.length) : text;
    }
    const word = text.toLowerCase();
    if (word === "(") selects.push(false);
    else if (word === ")") selects.pop();
    else if (word === "select") selects[selects.length - 1] = true;
    if (isOther.test(word))
      table = word === "from" ? selects.at(-1) === true : /join$|^(?:next|last|set)val$/.test(word);
    return text;
  });
}

/** The same for each view of definitions, whose bytes are in any character set. */
export function redirectViews(definitions: Buffer, from: string, to: string): Buffer {
  const [origin = "", target = ""] = [from, to].map((name) => Buffer.from(name).toString("latin1"));
  return changeLines(definitions, (line) =>
    viewBeginnings.some((beginning) => line.startsWith(beginning))
      ? redirectView(line, origin, target)
      : line,
  );
}
