import type { Container, PodSpec } from "kubernetes-types/core/v1.js";
import { isDeepStrictEqual } from "node:util";
import { scheduleProblems } from "./cron.ts";
import { containersOf, type JobIn } from "./manifests.ts";

/** A rule that a thing breaks, or nothing. */
type Rule<Thing> = readonly [rule: string, holds: (thing: Thing) => boolean];

const jobRules: readonly Rule<JobIn>[] = [
  ["has activeDeadlineSeconds", ({ spec }) => spec.activeDeadlineSeconds !== undefined],
  [
    "says how often it is tried",
    ({ spec }) => (spec.backoffLimit ?? spec.backoffLimitPerIndex) !== undefined,
  ],
  ["has a pod for each share", hasPodForEachShare],
  ["has ttlSecondsAfterFinished", ({ spec }) => spec.ttlSecondsAfterFinished !== undefined],
  [
    "gives up at once where the settings are wrong",
    ({ spec }) =>
      spec.backoffLimit === 0 ||
      (spec.podFailurePolicy?.rules ?? []).some(
        ({ action, onExitCodes }) =>
          action === "FailJob" && onExitCodes?.operator === "In" && onExitCodes.values.includes(2),
      ),
  ],
];

/** Where databases are divided among pods: as many pods as shares, or some databases would have no backup. */
function hasPodForEachShare({ spec, pod }: JobIn): boolean {
  const variables = containersOf(pod).flatMap(({ env }) => env ?? []);
  const share = variables.find(({ name }) => name === "BACKUP_SHARD")?.value;
  return (
    share === undefined || (spec.completionMode === "Indexed" && share === `$(INDEX)/${spec.completions}`)
  );
}

const cronRules: readonly Rule<NonNullable<JobIn["cronJob"]>>[] = [
  ["forbids two at once", ({ spec }) => spec?.concurrencyPolicy === "Forbid"],
  ["has startingDeadlineSeconds", ({ spec }) => (spec?.startingDeadlineSeconds ?? 0) >= 10],
  ["has a time zone", ({ spec }) => spec?.timeZone !== undefined],
  [
    "limits its history",
    ({ spec }) => spec?.successfulJobsHistoryLimit !== undefined && spec.failedJobsHistoryLimit !== undefined,
  ],
];

const podRules: readonly Rule<PodSpec>[] = [
  ["runs as 1001:1001", ({ securityContext: is }) => is?.runAsUser === 1001 && is.runAsGroup === 1001],
  ["must not run as root", ({ securityContext: is }) => is?.runAsNonRoot === true],
  ["has a seccomp profile", ({ securityContext: is }) => is?.seccompProfile?.type === "RuntimeDefault"],
  ["mounts no token by itself", (pod) => pod.automountServiceAccountToken === false],
  ["takes no variables from services", (pod) => pod.enableServiceLinks === false],
  ["never restarts a container", (pod) => pod.restartPolicy === "Never"],
  ["has time to clean up", (pod) => (pod.terminationGracePeriodSeconds ?? 0) >= 60],
  ["can write its volumes", ({ securityContext: is }) => is?.fsGroup === 1001],
  [
    "shows its secrets to its group only",
    ({ volumes = [] }) => volumes.every(({ secret }) => secret === undefined || secret.defaultMode === 0o440),
  ],
];

const containerRules: readonly Rule<Container>[] = [
  ["has a read-only root", ({ securityContext: is }) => is?.readOnlyRootFilesystem === true],
  ["gains no privileges", ({ securityContext: is }) => is?.allowPrivilegeEscalation === false],
  [
    "drops all capabilities",
    ({ securityContext: is }) => isDeepStrictEqual(is?.capabilities, { drop: ["ALL"] }),
  ],
  ["asks for nothing more", ({ securityContext: is }) => Object.keys(is ?? {}).length === 3],
  [
    "says what it needs",
    ({ resources: is }) =>
      is?.requests?.["cpu"] !== undefined &&
      is.requests["memory"] !== undefined &&
      is.limits?.["memory"] !== undefined,
  ],
  [
    "can write to /tmp",
    ({ volumeMounts = [] }) => volumeMounts.some(({ mountPath }) => mountPath === "/tmp"),
  ],
  ["has a version", ({ image }) => /:v?\d+\.\d+\.\d+$/.test(image ?? "")],
];

/** Every rule of a cautious cluster that a job breaks. */
export function hardeningProblems(job: JobIn): string[] {
  const { label, cronJob, pod } = job;
  return [
    ...broken(label, job, jobRules),
    ...(cronJob === undefined ? [] : broken(label, cronJob, cronRules)),
    ...(cronJob === undefined
      ? []
      : scheduleProblems(cronJob.spec?.schedule ?? "").map((what) => `${label}: ${what}`)),
    ...broken(label, pod, podRules),
    ...containersOf(pod).flatMap((container) =>
      broken(`${label}: ${container.name}`, container, containerRules),
    ),
  ];
}

function broken<Thing>(label: string, thing: Thing, rules: readonly Rule<Thing>[]): string[] {
  return rules.flatMap(([rule, holds]) => (holds(thing) ? [] : [`${label}: not so: ${rule}`]));
}
