import { distance } from "fastest-levenshtein";

/** Whether a name is most likely a slip of the pen for another: at most two letters added, lost, or changed. */
export function looksLike(name: string, meant: string): boolean {
  return name !== meant && distance(name, meant) <= 2;
}
