import { startPostgres } from "../../test/fixtures/postgres.ts";
import { readContents, relations, type Shop } from "./shop.ts";

const definitions = {
  functions: `SELECT pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace ORDER BY proname`,
  triggers: "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname",
};

export async function postgresShop(): Promise<Shop> {
  const server = await startPostgres();
  return {
    product: "PostgreSQL",
    engine: "postgres",
    env: server.env,
    load: (sqlFile) => `createdb shop && psql -X -q -v ON_ERROR_STOP=1 -d shop -f ${sqlFile}`,
    backup: "rcdump backup",
    restore: "rcdump restore --to shop_restored --create --yes",
    create: "createdb shop_by_hand",
    restoreByHand: "psql -X -d shop_by_hand",
    // COPY writes line feeds within a value as \n.
    contents: (database) =>
      readContents({ ...relations, ...definitions }, (sql) =>
        server.psql(database, `COPY (${sql}) TO STDOUT`),
      ),
    stop: () => server.stop(),
  };
}
