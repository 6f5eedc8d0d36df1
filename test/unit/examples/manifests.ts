import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Container, PodSpec, Volume } from "kubernetes-types/core/v1.js";
import type { CronJob, Job, JobSpec } from "kubernetes-types/batch/v1.js";
import type { ConfigMap, Secret, ServiceAccount } from "kubernetes-types/core/v1.js";
import { parseAllDocuments } from "yaml";
import { projectFolder } from "../../setup/environment.ts";

/** What is looked at in any document; {@link typeProblems} sees to the rest. */
export type Document = { kind: string; apiVersion: string; metadata?: { name?: string } } & Record<
  string,
  unknown
>;

/** One file of examples/kubernetes. */
export interface Manifest {
  /** Its name, without the folder. */
  readonly file: string;
  readonly documents: readonly Document[];
}

export const manifestFolder: string = join(projectFolder, "examples/kubernetes");

/** Every file of examples/kubernetes. */
export function readManifests(): Manifest[] {
  return readdirSync(manifestFolder)
    .toSorted()
    .map((file) => parseManifest(file, readFileSync(join(manifestFolder, file), "utf8")));
}

/** @throws Error for what is no YAML, duplicate keys included. */
export function parseManifest(file: string, text: string): Manifest {
  // kubectl reads YAML 1.1, where 0440 is octal and `on` is true.
  const parsed = parseAllDocuments(text, { version: "1.1" });
  if ("empty" in parsed) throw new Error(`${file} is empty`);
  const documents = parsed.map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) throw new Error(`${file}: ${problem.message}`);
    return document.toJS() as Document;
  });
  return { file, documents };
}

/** A job of a manifest, by itself or in a CronJob. */
export interface JobIn {
  /** `file: kind name`, for messages. */
  readonly label: string;
  readonly manifest: Manifest;
  /** The CronJob that it is the template of. */
  readonly cronJob: CronJob | undefined;
  readonly spec: JobSpec;
  readonly pod: PodSpec;
}

export function jobsOf(manifest: Manifest): JobIn[] {
  return manifest.documents.flatMap((document) => {
    const label = `${manifest.file}: ${document.kind} ${document.metadata?.name}`;
    const cronJob = document.kind === "CronJob" ? (document as unknown as CronJob) : undefined;
    const spec =
      cronJob?.spec?.jobTemplate.spec ??
      (document.kind === "Job" ? (document as unknown as Job).spec : undefined);
    const pod = spec?.template.spec;
    return spec === undefined || pod === undefined ? [] : [{ label, manifest, cronJob, spec, pod }];
  });
}

/** In the order in which they run. */
export function containersOf(pod: PodSpec): Container[] {
  return [...(pod.initContainers ?? []), ...pod.containers];
}

/** Whether it is one of this project's images. */
export function runsRcdump(container: Container): boolean {
  return /^rcdump-(postgres|mariadb):/.test(container.image ?? "");
}

interface Named {
  Secret: Secret;
  ConfigMap: ConfigMap;
  ServiceAccount: ServiceAccount;
}

/** The document of that kind and name in the same file. */
export function lookUp<Kind extends keyof Named>(
  manifest: Manifest,
  kind: Kind,
  name: string | undefined,
): Named[Kind] | undefined {
  return manifest.documents.find((document) => document.kind === kind && document.metadata?.name === name);
}

/** What a volume shows of a Secret or a ConfigMap of the same file; undefined if there is none. */
export function contentOf(
  manifest: Manifest,
  { secret, configMap }: Volume,
): Readonly<Record<string, string>> | undefined {
  return secret === undefined
    ? lookUp(manifest, "ConfigMap", configMap?.name)?.data
    : lookUp(manifest, "Secret", secret.secretName)?.stringData;
}
