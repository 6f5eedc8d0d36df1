const mebi = 1024 ** 2;
const units: Readonly<Record<string, number>> = {
  "": 1024,
  b: 1,
  k: 1024,
  m: mebi,
  g: 1024 * mebi,
  t: mebi * mebi,
};

/**
 * A size in bytes as rclone takes it: `16M`, `16Mi`, `16384`; a bare number is in KiB. Undefined for what is none, such as `off`.
 * Source: https://rclone.org/docs/#size-options
 */
export function readSize(text = ""): number | undefined {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([bkmgt]?)(?:i?b?)?$/i.exec(text.trim()) ?? [];
  return number === undefined ? undefined : Number(number) * (units[unit.toLowerCase()] ?? 1);
}
