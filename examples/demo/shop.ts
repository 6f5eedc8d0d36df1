import { createHash } from "node:crypto";

/** A throwaway database server, and what one types for it. The commands are for bash. */
export interface Shop {
  /** As in the names of people: for sentences. */
  readonly product: string;
  readonly engine: "postgres" | "mariadb";
  /** The client's own variables; rcdump passes them on. */
  readonly env: Readonly<Record<string, string>>;
  /** Creates the database `shop` from the SQL file. */
  load(sqlFile: string): string;
  /** Backs it up. */
  readonly backup: string;
  /** Restores it as `shop_restored`. */
  readonly restore: string;
  /** Makes the empty database `shop_by_hand`. */
  readonly create: string;
  /** Takes a dump on its standard input and restores it there. */
  readonly restoreByHand: string;
  /** Everything that the sample shop is made of, as it is in that database. */
  contents(database: string): Promise<Contents[]>;
  stop(): Promise<void>;
}

/** One table, view or other part of a database: how many rows it has, and a digest of all that is in them. */
export interface Contents {
  readonly name: string;
  readonly count: number;
  readonly digest: string;
}

/** The shop's tables and its view, by the statement that reads them in an order that does not change. */
export const relations = Object.fromEntries(
  ["customers", "products", "orders", "order_items", "monthly_sales"].map((name) => [
    name,
    `SELECT * FROM ${name} ORDER BY 1, 2`,
  ]),
);

/** @param query runs a statement; resolves to one line for each row */
export async function readContents(
  statements: Readonly<Record<string, string>>,
  query: (sql: string) => Promise<string>,
): Promise<Contents[]> {
  const contents: Contents[] = [];
  for (const [name, sql] of Object.entries(statements)) {
    const rows = await query(sql);
    const digest = createHash("sha256").update(rows).digest("hex");
    contents.push({ name, count: rows === "" ? 0 : rows.split("\n").length, digest });
  }
  return contents;
}
