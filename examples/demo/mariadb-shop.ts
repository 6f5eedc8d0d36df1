import { startMariadb } from "../../test/fixtures/mariadb.ts";
import { readContents, relations, type Shop } from "./shop.ts";

const definitions = {
  routines: `SELECT routine_name, dtd_identifier, routine_definition FROM information_schema.routines
    WHERE routine_schema = DATABASE() ORDER BY 1`,
  triggers: `SELECT trigger_name, event_manipulation, action_statement FROM information_schema.triggers
    WHERE trigger_schema = DATABASE() ORDER BY 1`,
  events: `SELECT event_name, interval_value, interval_field, starts, event_definition
    FROM information_schema.events WHERE event_schema = DATABASE() ORDER BY 1`,
};

export async function mariadbShop(): Promise<Shop> {
  const server = await startMariadb();
  const mariadb = ["mariadb", ...server.args].join(" ");
  return {
    product: "MariaDB",
    engine: "mariadb",
    env: server.env,
    load: (sqlFile) => `${mariadb} -e 'CREATE DATABASE shop' && ${mariadb} shop < ${sqlFile}`,
    backup: ["rcdump backup --", ...server.args].join(" "),
    restore: ["rcdump restore --to shop_restored --create --yes --", ...server.args].join(" "),
    create: `${mariadb} -e 'CREATE DATABASE shop_by_hand'`,
    restoreByHand: `${mariadb} --comments --binary-mode shop_by_hand`,
    contents: (database) =>
      readContents({ ...relations, ...definitions }, (sql) => server.query(database, sql)),
    stop: () => server.stop(),
  };
}
