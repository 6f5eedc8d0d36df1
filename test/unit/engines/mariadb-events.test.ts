import { expect, test } from "vitest";
import { disableEvents } from "../../../src/engines/mariadb-events.ts";

const head = "/*!50106 CREATE*/ /*!50117 DEFINER=`a``b`@`%`*/ /*!50106 EVENT";

test.for<[before: string, after: string]>([
  [
    `${head} \`tidy\` ON SCHEDULE EVERY 1 DAY STARTS '2026-11-22 04:38:50' ON COMPLETION NOT PRESERVE ENABLE DO SELECT 1 */ ;;`,
    `${head} \`tidy\` ON SCHEDULE EVERY 1 DAY STARTS '2026-11-22 04:38:50' ON COMPLETION NOT PRESERVE DISABLE DO SELECT 1 */ ;;`,
  ],
  [
    `x\n${head} \`a\`\`ON SCHEDULE\` ON SCHEDULE AT '2037-01-01' ON COMPLETION PRESERVE ENABLE COMMENT ' PRESERVE ENABLE DO' DO 'caf\xe9'`,
    `x\n${head} \`a\`\`ON SCHEDULE\` ON SCHEDULE AT '2037-01-01' ON COMPLETION PRESERVE DISABLE COMMENT ' PRESERVE ENABLE DO' DO 'caf\xe9'`,
  ],
])("%s", ([before, after]) => {
  expect(disableEvents(Buffer.from(before, "latin1")).toString("latin1")).toBe(after);
});

test.for([
  "",
  `${head} \`off\` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE DISABLE DO SELECT ' ON COMPLETION PRESERVE ENABLE DO' */ ;;`,
  `${head} \`off\` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE DISABLE ON SLAVE DO SELECT 1 */ ;;`,
  "CREATE PROCEDURE p() SELECT ' ON COMPLETION PRESERVE ENABLE DO';",
])("stays as it is: %s", (definitions) => {
  expect(disableEvents(Buffer.from(definitions)).toString()).toBe(definitions);
});
