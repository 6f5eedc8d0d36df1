// Loaded into Node before rcdump: at its end, writes the seconds of processor that Node itself took. In JavaScript, for what loading costs.
"use strict";
process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  require("node:fs").writeFileSync(process.env.NODE_TIMES, String((user + system) / 1e6));
});
