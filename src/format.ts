/** Bytes for a person: `812 B`, `1.4 kB`, `38 MB`; powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** Seconds for a person: `0.4 s`, `12 s`, `3:05`, `1:02:30`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [first, ...others] = parts[0] === 0 ? parts.slice(1) : parts;
  return [first, ...others.map((part) => String(part).padStart(2, "0"))].join(":");
}

/** A time for a person: `2026-11-21 02:00:05`, in a time zone that is told elsewhere. */
export function formatTime(time: Date, timeZone: string): string {
  const zoned = Temporal.Instant.fromEpochMilliseconds(time.getTime()).toZonedDateTimeISO(timeZone);
  return zoned.toPlainDateTime().toString({ smallestUnit: "second" }).replace("T", " ");
}

/** How long ago, for a person: `40 s`, `12 min`, `26 h`, `3 d`; a time to come is `in 3 d`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.abs(milliseconds) / 1000;
  const units: [limit: number, length: number, name: string][] = [
    [120, 1, "s"],
    [120 * 60, 60, "min"],
    [48 * 3600, 3600, "h"],
    [Infinity, 86_400, "d"],
  ];
  const [, length, name] = units.find(([limit]) => seconds < limit) ?? [0, 1, "s"];
  return `${milliseconds < 0 ? "in " : ""}${Math.floor(seconds / length)} ${name}`;
}
