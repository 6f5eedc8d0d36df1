import type { Container, EnvVar } from "kubernetes-types/core/v1.js";
import { join } from "node:path";
import { contentOf, type JobIn, lookUp, type Manifest } from "./manifests.ts";

/** What the images set themselves. */
const ofTheImage = { RCLONE_CONFIG: "/dev/null", REMOTE_NAME: "store" };

/** All variables as the container gets them, with `$(NAME)` in them replaced by those that stand before. */
export function environmentOf(
  manifest: Manifest,
  { image = "", env = [] }: Container,
): Record<string, string> {
  const engine = /^rcdump-(\w+):/.exec(image)?.[1] ?? "";
  const variables: Record<string, string> = { ...ofTheImage, BACKUP_ENGINE: engine };
  for (const variable of env) variables[variable.name] = valueOf(manifest, variable, variables);
  return variables;
}

function valueOf(manifest: Manifest, variable: EnvVar, before: Readonly<Record<string, string>>): string {
  const { value, valueFrom } = variable;
  const key = valueFrom?.secretKeyRef;
  if (key !== undefined) return lookUp(manifest, "Secret", key.name)?.stringData?.[key.key] ?? "";
  // The only field that the examples take is the number of a pod in an indexed job.
  if (valueFrom?.fieldRef !== undefined) return "0";
  return (value ?? "").replaceAll(/\$\((\w+)\)/g, (whole, name: string) => before[name] ?? whole);
}

/** The files that are mounted into a container: those of its Secrets and ConfigMaps. */
export function filesOf({ manifest, pod }: JobIn, { volumeMounts = [] }: Container): Map<string, string> {
  const files = new Map<string, string>();
  for (const { name, mountPath } of volumeMounts) {
    const volume = pod.volumes?.find((volume) => volume.name === name);
    if (volume === undefined) continue;
    const content = contentOf(manifest, volume);
    const shown =
      (volume.secret ?? volume.configMap)?.items ??
      Object.keys(content ?? {}).map((key) => ({ key, path: key }));
    for (const { key, path } of shown) files.set(join(mountPath, path), content?.[key] ?? "");
  }
  return files;
}
