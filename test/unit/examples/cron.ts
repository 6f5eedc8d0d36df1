const fields: readonly (readonly [name: string, least: number, most: number])[] = [
  ["minute", 0, 59],
  ["hour", 0, 23],
  ["day of the month", 1, 31],
  ["month", 1, 12],
  ["day of the week", 0, 6],
];

/** What is wrong with a schedule of a CronJob, in numbers. Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ */
export function scheduleProblems(schedule: string): string[] {
  const given = schedule.split(" ");
  if (given.length !== fields.length) return [`${schedule} has ${given.length} fields`];
  return fields.flatMap(([name, least, most], index) =>
    (given[index] ?? "").split(",").every((part) => isRange(part, least, most))
      ? []
      : [`${given[index]} is no ${name}`],
  );
}

/** `*`, `5`, `1-5`, each of them with `/2` behind it. */
function isRange(text: string, least: number, most: number): boolean {
  const parts = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/([1-9]\d*))?$/.exec(text);
  if (parts === null) return false;
  const from = Number(parts[1] ?? least);
  const to = Number(parts[2] ?? parts[1] ?? most);
  return from >= least && to <= most && from <= to;
}
