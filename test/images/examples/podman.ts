import { execa } from "execa";
import { join } from "node:path";
import { Wait } from "testcontainers";
import { vi } from "vitest";
import { readOutcome, type Outcome } from "../../fixtures/outcome.ts";
import { projectFolder } from "../../setup/environment.ts";
import type { Site } from "../fixtures/site.ts";
import type { PlayablePod } from "./pod.ts";

/** Runs pods in the site's network. It has the images that were given to it, and no others. */
export interface Podman {
  /**
   * Runs a pod until its containers have ended. Resolves to those that ran, in that order.
   * @param secrets what must not appear in anything that they write
   */
  play(pod: PlayablePod, secrets: readonly string[]): Promise<PlayedContainer[]>;
  /** The files in the volume of a claim, sorted. Claims stay when the pod is gone. */
  filesOf(claim: string): Promise<string[]>;
  /** Makes an image, whose Dockerfile may refer to the others. */
  build(image: string, dockerfile: string): Promise<void>;
}

export interface PlayedContainer extends Outcome {
  /** As the pod has it. */
  readonly name: string;
  readonly confinement: Confinement;
}

/** What a container was held to, as podman tells it. */
export interface Confinement {
  readonly user: string;
  readonly readOnly: boolean;
  readonly noNewPrivileges: boolean;
  readonly memory: number;
  /** Those that it has, and those that it could get. */
  readonly capabilities: readonly string[];
}

/** What podman tells of a container. */
interface Inspected {
  readonly Name: string;
  readonly State: { readonly Status: string; readonly ExitCode: number };
  readonly Config: { readonly User: string };
  readonly EffectiveCaps: readonly string[] | null;
  readonly BoundingCaps: readonly string[] | null;
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly SecurityOpt: readonly string[];
    readonly Memory: number;
  };
}

const volumes = "/var/lib/containers/storage/volumes";

/** Starts podman in a container of the site and hands it images of the engine. */
export async function startPodman(site: Site, images: readonly string[]): Promise<Podman> {
  const image = "rcdump-test-podman";
  const folder = join(projectFolder, "test/images/podman");
  await execa("docker", ["buildx", "build", "--quiet", "--load", "-t", image, folder]);
  const container = await site
    .container(image, "podman")
    .withPrivilegedMode()
    .withWaitStrategy(Wait.forLogMessage("ready"))
    .start();
  const load = ["exec", "--interactive", container.getId(), "podman", "load", "--quiet"];
  await execa("docker", ["save", ...images], { buffer: { stdout: false } }).pipe("docker", load);

  const shell = async (text: string, env: Record<string, string> = {}): Promise<string> => {
    const { exitCode, stdout, stderr } = await container.exec(["sh", "-euc", text], { env });
    if (exitCode !== 0) throw new Error(`exit code ${exitCode} of ${text}: ${stderr}${stdout}`);
    return stdout;
  };

  const inspect = async (names: readonly string[]): Promise<Inspected[]> =>
    JSON.parse(await shell(`podman inspect ${names.join(" ")}`)) as Inspected[];

  const outcomeOf = async (
    inspected: Inspected,
    secrets: readonly string[],
  ): Promise<Omit<PlayedContainer, "name">> => {
    const { Name: name, State: state, Config: config, HostConfig: host } = inspected;
    const { stdout, stderr } = await container.exec(["podman", "logs", name]);
    return {
      ...readOutcome({ exitCode: state.ExitCode, stdout, stderr }, secrets),
      confinement: {
        user: config.User,
        readOnly: host.ReadonlyRootfs,
        noNewPrivileges: host.SecurityOpt.includes("no-new-privileges"),
        memory: host.Memory,
        capabilities: [...(inspected.EffectiveCaps ?? []), ...(inspected.BoundingCaps ?? [])],
      },
    };
  };

  /** `podman wait` waits until the pod is taken down, too: seconds that nothing here needs. */
  const ended = (names: readonly string[]): Promise<Inspected[]> =>
    vi.waitUntil(
      async () => {
        const all = await inspect(names);
        return (
          all.every(({ State: { Status: status } }) => status === "exited" || status === "created") && all
        );
      },
      { timeout: 60_000, interval: 100 },
    );

  return {
    play: async (pod, secrets) => {
      const file = `/tmp/${pod.name}.yaml`;
      const content = pod.documents.map((document) => JSON.stringify(document)).join("\n---\n");
      await container.copyContentToContainer([{ content, target: file }]);
      try {
        // The network is the container's own, so that the pod finds the servers by their names. podman passes over
        // fsGroup: what the kubelet does for it is done between making and starting. A failure of an init container is
        // one of starting the pod.
        await shell(
          `podman kube play --start=false --network=host ${file} >/dev/null
           chgrp -R ${pod.group} ${volumes} && chmod -R g+rX ${volumes}
           for volume in ${pod.writable.join(" ")}; do chmod g+rwxs ${volumes}/$volume/_data; done
           podman pod start ${pod.name} >/dev/null || :`,
        );
        const all = await ended(pod.containers.map((name) => `${pod.name}-${name}`));
        const played: PlayedContainer[] = [];
        for (const [index, inspected] of all.entries()) {
          if (inspected.State.Status === "created") continue;
          played.push({ name: pod.containers[index] ?? "", ...(await outcomeOf(inspected, secrets)) });
        }
        return played;
      } finally {
        const claims = pod.documents.filter(({ kind }) => kind === "PersistentVolumeClaim");
        const keep = claims.map(({ metadata }) => metadata?.name).join(" ");
        await shell(
          `podman kube down ${file} >/dev/null || :
           for volume in $(podman volume ls -q); do
             case " ${keep} " in *" $volume "*) ;; *) podman volume rm $volume >/dev/null ;; esac
           done`,
        );
      }
    },
    filesOf: async (claim) => {
      const found = await shell(`cd ${volumes}/${claim}/_data && find . -type f -printf '%P\\n' | sort`);
      return found.trim().split("\n");
    },
    build: async (image, dockerfile) => {
      await shell(`printf %s "$DOCKERFILE" | podman build --quiet --tag ${image} -`, {
        DOCKERFILE: dockerfile,
      });
    },
  };
}
