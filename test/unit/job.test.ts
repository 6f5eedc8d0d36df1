import { expect, test } from "vitest";
import { jobOfPartial } from "../../src/destination.ts";
import { jobId, jobOfRun, newRunId } from "../../src/job.ts";

const server = { host: "db", port: 5432, product: "PostgreSQL 17.2", version: "17.2", databases: [] };
const where = { folder: "store:daily", fileName: undefined };
const app = { scope: "database", database: "app" } as const;

test("a job keeps its id, through upgrades of the server too", () => {
  const id = jobId("postgres", server, app, where);
  expect(id).toMatch(/^[0-9a-f]{8}$/);
  const upgraded = {
    ...server,
    product: "PostgreSQL 18.0",
    version: "18.0",
    databases: [{ name: "app", bytes: 1 }],
  };
  expect(jobId("postgres", upgraded, app, where)).toBe(id);
});

test("jobs that differ in anything have different ids", () => {
  const ids = [
    jobId("postgres", server, app, where),
    jobId("mariadb", server, app, where),
    jobId("postgres", { ...server, host: "db2" }, app, where),
    jobId("postgres", { ...server, port: 5433 }, app, where),
    jobId("postgres", server, { scope: "database", database: "app2" }, where),
    jobId("postgres", server, { scope: "server" }, where),
    jobId("postgres", server, { scope: "globals" }, where),
    jobId("postgres", server, app, { ...where, fileName: "app" }),
    jobId("postgres", server, app, { ...where, fileName: "" }),
    jobId("postgres", server, app, { ...where, folder: "store:monthly" }),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

test("runs of a job sort by their time and differ even at the same moment", () => {
  const times = [0, 1, 1000, 86_400_000, 86_400_000 * 365].map(
    (later) => new Date(Date.UTC(2026, 0, 1) + later),
  );
  const ids = times.map((time) => newRunId("0123abcd", time));
  expect(ids.toSorted()).toEqual(ids);
  const [time = new Date()] = times;
  expect(new Set(Array.from({ length: 5 }, () => newRunId("0123abcd", time))).size).toBeGreaterThan(1);
});

test.for([Date.now(), 60_000])("the job can be told from the name of an upload, begun at %d", (time) => {
  const job = jobId("postgres", server, app, where);
  const runId = newRunId(job, new Date(time));
  expect(jobOfRun(runId)).toBe(job);
  expect(jobOfPartial(`app.sql.${runId}.partial`)).toBe(job);
});
