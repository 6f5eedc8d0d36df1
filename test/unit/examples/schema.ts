import { execa } from "execa";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CronJob } from "kubernetes-models/batch/v1/CronJob";
import { Job } from "kubernetes-models/batch/v1/Job";
import { Role } from "kubernetes-models/rbac.authorization.k8s.io/v1/Role";
import { RoleBinding } from "kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { PersistentVolumeClaim } from "kubernetes-models/v1/PersistentVolumeClaim";
import { Secret } from "kubernetes-models/v1/Secret";
import { ServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import { projectFolder } from "../../setup/environment.ts";
import type { Document, Manifest } from "./manifests.ts";

/** The kinds that the examples are made of: the module of kubernetes-types, and the model that knows the values. */
const kinds: Readonly<
  Record<string, { types: string; validate: (document: Document) => void; apiVersion: string }>
> = {
  CronJob: {
    apiVersion: "batch/v1",
    types: "batch/v1",
    validate: (data) => new CronJob(data as never).validate(),
  },
  Job: { apiVersion: "batch/v1", types: "batch/v1", validate: (data) => new Job(data).validate() },
  Secret: { apiVersion: "v1", types: "core/v1", validate: (data) => new Secret(data).validate() },
  ConfigMap: {
    apiVersion: "v1",
    types: "core/v1",
    validate: (data) => new ConfigMap(data).validate(),
  },
  ServiceAccount: {
    apiVersion: "v1",
    types: "core/v1",
    validate: (data) => new ServiceAccount(data).validate(),
  },
  PersistentVolumeClaim: {
    apiVersion: "v1",
    types: "core/v1",
    validate: (data) => new PersistentVolumeClaim(data).validate(),
  },
  Role: {
    apiVersion: "rbac.authorization.k8s.io/v1",
    types: "rbac/v1",
    validate: (data) => new Role(data).validate(),
  },
  RoleBinding: {
    apiVersion: "rbac.authorization.k8s.io/v1",
    types: "rbac/v1",
    validate: (data) => new RoleBinding(data as never).validate(),
  },
};

/** Values that Kubernetes would refuse, kinds that the examples have no use for, and missing names. */
export function valueProblems({ file, documents }: Manifest): string[] {
  return documents.flatMap((document, index) => {
    const label = `${file}, document ${index + 1}`;
    const kind = kinds[document.kind];
    if (kind === undefined || kind.apiVersion !== document.apiVersion)
      return [`${label}: unknown kind ${document.kind} of ${document.apiVersion}`];
    if (document.metadata?.name === undefined) return [`${label}: has no name`];
    try {
      kind.validate(document);
      return [];
    } catch (error) {
      return [`${label}: ${(error as Error).message}`];
    }
  });
}

/**
 * Keys that Kubernetes does not know and values of a wrong type, for all manifests at once, as the compiler tells them:
 * a document becomes a literal that has to satisfy its kind's type, where each key too many is an error.
 */
export async function typeProblems(manifests: readonly Manifest[]): Promise<string[]> {
  const cache = join(projectFolder, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  // In the project, so that the import of the types is found.
  const folder = mkdtempSync(join(cache, "examples-"));
  try {
    const options = { strict: true, noEmit: true, module: "esnext", moduleResolution: "bundler", types: [] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
    for (const { file, documents } of manifests)
      for (const [index, document] of documents.entries())
        writeFileSync(join(folder, `${file}.${index + 1}.ts`), source(document));
    const { exitCode, stdout } = await execa("tsc", ["--project", folder, "--pretty", "false"], {
      preferLocal: true,
      localDir: projectFolder,
      cwd: folder,
      reject: false,
    });
    const lines = stdout.split("\n").filter((line) => line !== "");
    return exitCode === 0 || lines.length > 0 ? lines : [`tsc ended with ${exitCode}`];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function source(document: Document): string {
  const types = kinds[document.kind]?.types ?? "no-such-kind";
  return `import type { ${document.kind} } from "kubernetes-types/${types}";
export const document = ${JSON.stringify(document, null, 2)} satisfies ${document.kind};
`;
}
