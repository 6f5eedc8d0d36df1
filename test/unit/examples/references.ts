import type { Container, EnvVar, Volume } from "kubernetes-types/core/v1.js";
import { containersOf, contentOf, type JobIn, lookUp, type Manifest } from "./manifests.ts";

/** What a name says that holds a secret, but for the path of a file with one. */
const secretName = /PASS|PWD|SECRET|TOKEN|KEY|SAS_URL|CONNECTION_STRING/;

/** Secrets as plain values; and what a job refers to that is not in its file, so that it would hang or fail. */
export function referenceProblems({ label, manifest, spec, pod }: JobIn): string[] {
  const account = pod.serviceAccountName;
  const volumes = pod.volumes ?? [];
  return [
    ...(account === undefined || lookUp(manifest, "ServiceAccount", account)
      ? []
      : [`no ServiceAccount ${account}`]),
    ...volumes.flatMap((volume) => volumeProblems(manifest, volume)),
    ...(spec.podFailurePolicy?.rules ?? [])
      .flatMap(({ onExitCodes }) => onExitCodes?.containerName ?? [])
      .filter((name) => !pod.containers.some((container) => container.name === name))
      .map((name) => `podFailurePolicy: no container ${name}`),
    ...containersOf(pod).flatMap((container) => [
      ...(container.env ?? []).flatMap((variable) => variableProblems(manifest, variable)),
      ...mountProblems(container, volumes),
    ]),
  ].map((problem) => `${label}: ${problem}`);
}

function variableProblems(manifest: Manifest, { name, value, valueFrom }: EnvVar): string[] {
  if (value !== undefined)
    return secretName.test(name) && !name.endsWith("_FILE") ? [`${name} is a secret, and stands there`] : [];
  const key = valueFrom?.secretKeyRef;
  if (key === undefined) return [];
  return lookUp(manifest, "Secret", key.name)?.stringData?.[key.key] === undefined
    ? [`${name}: no Secret ${key.name} with ${key.key}`]
    : [];
}

function volumeProblems(manifest: Manifest, volume: Volume): string[] {
  const { name, secret, configMap, persistentVolumeClaim: claim } = volume;
  const isThere = manifest.documents.some(
    ({ kind, metadata }) => kind === "PersistentVolumeClaim" && metadata?.name === claim?.claimName,
  );
  if (claim !== undefined)
    return isThere ? [] : [`volume ${name}: no PersistentVolumeClaim ${claim.claimName}`];
  const source = secret ?? configMap;
  if (source === undefined) return [];
  const content = contentOf(manifest, volume);
  if (content === undefined) return [`volume ${name}: what it shows is not there`];
  return (source.items ?? [])
    .filter(({ key }) => content[key] === undefined)
    .map(({ key }) => `volume ${name}: no key ${key}`);
}

function mountProblems({ volumeMounts = [] }: Container, volumes: readonly Volume[]): string[] {
  return volumeMounts
    .filter(({ name }) => !volumes.some((volume) => volume.name === name))
    .map(({ name }) => `no volume ${name}`);
}
