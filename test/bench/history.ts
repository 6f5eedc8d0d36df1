/** Writes ten thousand backups of ten databases into a folder: `node history.ts FOLDER`. */
import { every, type Past, writeHistory } from "../fixtures/history.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("history.ts FOLDER");
const days = every(86_400, "2024-01-01T02:00:00Z", 1000);
const history = days.flatMap((started) =>
  Array.from({ length: 10 }, (_, index): Past => ({ started, database: `shop${index}` })),
);
writeHistory(folder, history);
