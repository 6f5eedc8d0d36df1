import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { version } from "../../../src/version.ts";
import { projectFolder } from "../../setup/environment.ts";
import { environmentOf } from "./container-environment.ts";
import { scheduleProblems } from "./cron.ts";
import { hardeningProblems } from "./hardening.ts";
import {
  containersOf,
  jobsOf,
  type Manifest,
  manifestFolder,
  parseManifest,
  readManifests,
  runsRcdump,
} from "./manifests.ts";
import { askRclone, rcloneProblems } from "./rclone.ts";
import { referenceProblems } from "./references.ts";
import { typeProblems, valueProblems } from "./schema.ts";
import { settingProblems } from "./settings.ts";

const manifests = readManifests();
const rclone = await askRclone();

const settingProblemsOf = (manifest: Manifest): string[] =>
  jobsOf(manifest).flatMap((job) =>
    containersOf(job.pod)
      .filter(runsRcdump)
      .flatMap((container) => settingProblems(job, container)),
  );
const rcloneProblemsOf = (manifest: Manifest): string[] =>
  jobsOf(manifest).flatMap(({ pod }) =>
    containersOf(pod)
      .filter(runsRcdump)
      .flatMap((container) => rcloneProblems(rclone, environmentOf(manifest, container))),
  );

test("all have the keys that Kubernetes knows", async () => {
  expect(await typeProblems(manifests)).toEqual([]);
});

describe.each(manifests.map((manifest) => [manifest.file, manifest] as const))("%s", (file, manifest) => {
  test("has values that Kubernetes takes", () => {
    expect(valueProblems(manifest)).toEqual([]);
  });

  test("is hardened, and lacks nothing that it refers to", () => {
    const jobs = jobsOf(manifest);
    expect(jobs.length).toBeGreaterThan(0);
    expect(jobs.flatMap(hardeningProblems)).toEqual([]);
    expect(jobs.flatMap(referenceProblems)).toEqual([]);
  });

  test("has settings that rcdump and rclone know", () => {
    expect(settingProblemsOf(manifest)).toEqual([]);
    expect(rcloneProblemsOf(manifest)).toEqual([]);
  });

  test("runs this version, under names of its own, and is in the index", () => {
    const images = jobsOf(manifest).flatMap(({ pod }) =>
      containersOf(pod)
        .filter(runsRcdump)
        .map(({ image }) => image),
    );
    expect(images.length).toBeGreaterThan(0);
    for (const image of images) expect(image?.endsWith(`:${version}`)).toBe(true);
    const others = manifests.filter((other) => other !== manifest).flatMap(({ documents }) => documents);
    for (const { kind, metadata } of manifest.documents)
      expect(
        others.filter((other) => other.kind === kind).map((other) => other.metadata?.name),
      ).not.toContain(metadata?.name);
    expect(readFileSync(join(projectFolder, "examples/README.md"), "utf8")).toContain(`(kubernetes/${file})`);
  });
});

describe("a slip is found", () => {
  /** An example with something else in one place. */
  const slip = (there: string | RegExp, instead: string, file = "sftp.yaml"): Manifest => {
    const good = readFileSync(join(manifestFolder, file), "utf8");
    const text = good.replace(there, instead);
    expect(text).not.toBe(good);
    return parseManifest("slip.yaml", text);
  };

  test("in keys and types, all in one run", async () => {
    const slips = [
      ["concurrencyPolicy", "concurencyPolicy"],
      ["readOnlyRootFilesystem", "readOnlyRootFileSystem"],
      ["secretName:", "name:"],
      ["kind: CronJob", "kind: CronTab"],
      ["backoffLimit: 2", 'backoffLimit: "2"'],
    ] as const;
    const problems = await typeProblems(
      slips.map(([there, instead], index) => ({
        file: `slip-${index}`,
        documents: slip(there, instead).documents,
      })),
    );
    expect(problems).toEqual([
      expect.stringMatching(/^slip-0.*error.*'"concurencyPolicy"' does not exist in type 'CronJobSpec'/),
      expect.stringMatching(
        /^slip-1.*error.*'"readOnlyRootFileSystem"' does not exist in type 'SecurityContext'/,
      ),
      expect.stringMatching(/^slip-2.*error.*'"name"' does not exist in type 'SecretVolumeSource'/),
      expect.stringMatching(/^slip-3.*error.*'kubernetes-types\/no-such-kind'/),
      expect.stringMatching(/^slip-4.*error.*Type 'string' is not assignable to type 'number'/),
    ]);
  });

  test.each([
    ["concurrencyPolicy: Forbid", "concurrencyPolicy: Never", /concurrencyPolicy must be equal to one of/],
    ["memory: 256Mi", "memory: 256 MB", /memory must match format "quantity"/],
    ["kind: CronJob", "kind: CronTab", /unknown kind CronTab/],
    ["apiVersion: batch/v1", "apiVersion: batch/v1beta1", /unknown kind CronJob of batch\/v1beta1/],
    ["runAsUser: 1001", "runAsUser: nobody", /runAsUser must be integer/],
  ])("in values: %s", (there, instead, problem) => {
    expect(valueProblems(slip(there, instead)).join("\n")).toMatch(problem);
  });

  test("in YAML", () => {
    expect(() => slip("  timeZone: Etc/UTC", "  schedule: daily")).toThrow(/keys must be unique/);
  });

  test.each([
    ["concurrencyPolicy: Forbid", "concurrencyPolicy: Allow", "forbids two at once"],
    ["  startingDeadlineSeconds: 3600\n", "", "has startingDeadlineSeconds"],
    ["  timeZone: Etc/UTC\n", "", "has a time zone"],
    ["  failedJobsHistoryLimit: 3\n", "", "limits its history"],
    ['"0 2 * * *"', '"0 25 * * *"', "25 is no hour"],
    ["      activeDeadlineSeconds: 7200\n", "", "has activeDeadlineSeconds"],
    ["      backoffLimit: 2\n", "", "says how often it is tried"],
    ["      ttlSecondsAfterFinished: 604800\n", "", "has ttlSecondsAfterFinished"],
    ["values: [2]", "values: [3]", "gives up at once"],
    ["runAsUser: 1001", "runAsUser: 0", "runs as 1001:1001"],
    ["runAsNonRoot: true", "runAsNonRoot: false", "must not run as root"],
    ["RuntimeDefault", "Unconfined", "has a seccomp profile"],
    ["automountServiceAccountToken: false", "automountServiceAccountToken: true", "mounts no token"],
    ["          enableServiceLinks: false\n", "", "takes no variables"],
    ["restartPolicy: Never", "restartPolicy: OnFailure", "never restarts"],
    ["terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 1", "has time to clean up"],
    ["            fsGroup: 1001\n", "", "can write its volumes"],
    ["defaultMode: 0440", "defaultMode: 440", "shows its secrets"],
    ["readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "has a read-only root"],
    ["allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "gains no privileges"],
    ["drop: [ALL]", "drop: [NET_RAW]", "drops all capabilities"],
    [
      "readOnlyRootFilesystem: true",
      "readOnlyRootFilesystem: true\n                privileged: true",
      "asks for nothing more",
    ],
    ["limits: { memory: 256Mi }", "limits: {}", "says what it needs"],
    ["mountPath: /tmp", "mountPath: /temp", "can write to /tmp"],
    [`rcdump-postgres:${version}`, "rcdump-postgres:latest", "has a version"],
  ])("in what it may do: %s", (there, instead, rule) => {
    expect(jobsOf(slip(there, instead)).flatMap(hardeningProblems)).toEqual([expect.stringContaining(rule)]);
  });

  test.each([
    ["completions: 4", "completions: 3"],
    ["$(INDEX)/4", "0/4"],
    ["completionMode: Indexed", "completionMode: NonIndexed"],
  ])("in shares: %s", (there, instead) => {
    expect(jobsOf(slip(there, instead, "indexed-shards.yaml")).flatMap(hardeningProblems)).toEqual([
      expect.stringContaining("has a pod for each share"),
    ]);
  });

  test.each([
    ["containerName: rcdump", "containerName: rdump", "podFailurePolicy: no container rdump"],
    [
      "{ name: PGUSER, value: backup }",
      "{ name: PGPASSWORD, value: change-me }",
      "PGPASSWORD is a secret, and stands there",
    ],
    [
      "{ name: PGUSER, value: backup }",
      "{ name: RCLONE_CONFIG_STORE_KEY_PEM, value: x }",
      "RCLONE_CONFIG_STORE_KEY_PEM is a secret",
    ],
    [
      "{ name: PGUSER, value: backup }",
      "{ name: PGUSER, valueFrom: { secretKeyRef: { name: rcdump-sftp, key: user } } }",
      "PGUSER: no Secret rcdump-sftp with user",
    ],
    ["  password: change-me\n", "  pasword: change-me\n", "volume database: no key password"],
    ["secretName: rcdump-sftp", "secretName: rcdump-stfp", "volume database: what it shows is not there"],
    ["- name: tmp\n              emptyDir", "- name: temp\n              emptyDir", "no volume tmp"],
    [
      "restartPolicy: Never",
      "restartPolicy: Never\n          serviceAccountName: rcdump",
      "no ServiceAccount rcdump",
    ],
    [
      "emptyDir: { sizeLimit: 500Mi }",
      "persistentVolumeClaim: { claimName: tmp }",
      "no PersistentVolumeClaim tmp",
    ],
  ])("in what it refers to: %s", (there, instead, problem) => {
    expect(jobsOf(slip(there, instead)).flatMap(referenceProblems)).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  test.each([
    ["name: KEEP_DAILY", "name: KEEP_DAYS", "KEEP_DAYS is no setting; did you mean KEEP_DAILY?"],
    ["name: KEEP_DAILY", "name: BACKUP_SOMETHING", "BACKUP_SOMETHING is no setting"],
    ["value: shop", "value: 'shop,,crm'", "BACKUP_DATABASES has an empty name"],
    ["value: age1d8", "value: age1e8", "ENCRYPT_RECIPIENTS"],
    [
      "/secrets/database/password",
      "/secrets/password",
      "PGPASSWORD_FILE names /secrets/password, which does not exist",
    ],
    ["/secrets/sftp/known_hosts", "/secrets/known_hosts", "/secrets/known_hosts is not mounted"],
    [
      "name: PGUSER, value: backup",
      "name: REMOTE_NAME, value: /backups",
      "REMOTE_NAME: /backups is not mounted",
    ],
    [/image: rcdump-.*/, "$&\n              args: [verifi]", "there is no command verifi"],
    [/image: rcdump-.*/, "$&\n              args: [verify, --deep]", "has no key"],
  ])("in settings: %s", (there, instead, problem) => {
    expect(settingProblemsOf(slip(there, instead))).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    [
      "RCLONE_CONFIG_STORE_HOST",
      "RCLONE_CONFIG_STORE_SFTP_HOST",
      ["RCLONE_CONFIG_STORE_SFTP_HOST: sftp has no such option", "RCLONE_CONFIG_STORE_HOST is missing"],
    ],
    ["value: sftp }", "value: sftpx }", ["RCLONE_CONFIG_STORE_TYPE: rclone has no sftpx"]],
    ["RCLONE_CONFIG_STORE_TYPE", "RCLONE_CONFIG_STOER_TYPE", undefined],
    ["name: PGUSER", "name: RCLONE_CA_CRT", ["RCLONE_CA_CRT: rclone has no --ca-crt"]],
    [
      "name: PGUSER",
      "name: RCLONE_CONFIG_STORE_USE_FSTAT",
      ["RCLONE_CONFIG_STORE_USE_FSTAT is neither true nor false"],
    ],
  ])("in rclone's options: %s", (there, instead, problems) => {
    const found = rcloneProblemsOf(slip(there, instead));
    if (problems === undefined) expect(found).toContain("REMOTE_NAME is no remote of these");
    else expect(found).toEqual(problems);
  });

  test.each([
    ["@daily", "@daily has 1 fields"],
    ["60 2 * * *", "60 is no minute"],
    ["*/0 2 * * *", "*/0 is no minute"],
    ["0 2 0 * *", "0 is no day of the month"],
    ["0 2 * 13 *", "13 is no month"],
    ["0 2 * * 5-1", "5-1 is no day of the week"],
    ["0 2,x * * *", "2,x is no hour"],
  ])("in a schedule: %s", (schedule, problem) => {
    expect(scheduleProblems(schedule)).toEqual([problem]);
  });
});
