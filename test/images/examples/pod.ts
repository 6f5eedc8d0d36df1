import type { PodSpec, Volume } from "kubernetes-types/core/v1.js";
import { containersOf, type Document, type JobIn } from "../../unit/examples/manifests.ts";

/** A pod of a job, in a form that podman takes. */
export interface PlayablePod {
  readonly name: string;
  /** The pod itself or the Job that makes it, and everything that it refers to. */
  readonly documents: readonly Document[];
  /** The names of its containers, in the order in which they run. */
  readonly containers: readonly string[];
  /** The group that its volumes are given; and those of them, by podman's names, that it may write. */
  readonly group: number;
  readonly writable: readonly string[];
}

/** Init containers stay when they have ended: podman would remove them, and with them what they wrote. */
const keepInitContainers = { "io.podman.annotations.init.container.type": "always" };

const completionIndex = "batch.kubernetes.io/job-completion-index";

/**
 * The pods of a job. What the controllers of a cluster do is done here: a CronJob's Job is its template, and an indexed
 * Job's pods are numbered by an annotation. The pod's template stays as it is, but for what podman cannot do:
 * - It knows no projected volumes. The only one is for kubectl, whose stand-in has no use for a token: it is empty here.
 * - It does not put the value of one variable into another, `$(INDEX)/4`: that is done here.
 */
export function podsOf({ manifest, spec, pod, cronJob }: JobIn): PlayablePod[] {
  const job = spec.template;
  const name = (cronJob ?? manifest.documents.find(({ kind }) => kind === "Job"))?.metadata?.name ?? "";
  const others = manifest.documents.filter(({ kind }) => kind !== "CronJob" && kind !== "Job");
  const volumes = (pod.volumes ?? []).map(withoutProjection);
  const common = {
    containers: containersOf(pod).map(({ name }) => name),
    group: pod.securityContext?.fsGroup ?? 0,
    writable: volumes.flatMap(({ name, emptyDir, persistentVolumeClaim: claim }) =>
      emptyDir === undefined ? (claim?.claimName ?? []) : name,
    ),
  };
  if (spec.completionMode !== "Indexed") {
    const template = { ...job, spec: { ...pod, volumes } };
    const document = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name, annotations: keepInitContainers },
      spec: { ...spec, template },
    };
    return [{ ...common, name: `${name}-pod`, documents: [...others, document] }];
  }
  return Array.from({ length: spec.completions ?? 0 }, (_, index) => {
    const metadata = { name: `${name}-${index}`, annotations: { [completionIndex]: `${index}` } };
    const document = {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: withIndex({ ...pod, volumes }, `${index}`),
    };
    return { ...common, name: metadata.name, documents: [...others, document] };
  });
}

function withoutProjection(volume: Volume): Volume {
  const { projected, ...rest } = volume;
  return projected === undefined ? volume : { ...rest, emptyDir: {} };
}

/** Puts the number where a variable refers to the one that a field makes of the annotation. */
function withIndex(pod: PodSpec, index: string): PodSpec {
  const containers = pod.containers.map((container) => {
    const { env = [] } = container;
    const numbered = env.find(
      ({ valueFrom }) => valueFrom?.fieldRef?.fieldPath === `metadata.annotations['${completionIndex}']`,
    );
    const reference = `$(${numbered?.name})`;
    return {
      ...container,
      env: env.map(({ value, ...rest }) =>
        value === undefined ? rest : { ...rest, value: value.replace(reference, index) },
      ),
    };
  });
  return { ...pod, containers };
}
