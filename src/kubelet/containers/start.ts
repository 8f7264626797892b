import type { Pod } from "../../api/index.ts";
import type { Image, Mount, PodSandboxConfig } from "../../cri/index.ts";
import { orAborted } from "../lifecycle/race.ts";
import { runHook } from "../lifecycle/hooks.ts";
import { type AnyContainer, isHostNetwork, podUid } from "../pods/pod-key.ts";
import { type PodRuntime, readySandbox, runsOf } from "../pods/pod-runtime.ts";
import { writeHostsFile } from "../sandbox/start.ts";
import type { KubeletServices } from "../services.ts";
import type { MountedVolume } from "../volumes/volume.ts";
import { ContainerStartError } from "./config-error.ts";
import { containerConfig, effectiveSubPath, terminationPath, volumeMountOf } from "./container-config.ts";
import type { DownwardContext } from "./downward.ts";
import { containerEnvironment } from "./environment.ts";

export interface StartInputs {
  pod: Pod;
  container: AnyContainer;
  attempt: number;
  image: Image;
  runtime: PodRuntime;
  sandboxId: string;
  sandboxConfig: PodSandboxConfig;
  volumes: ReadonlyMap<string, MountedVolume>;
  /** Aborted when the pod is terminated: a running hook is not awaited. */
  signal: AbortSignal;
}

/** Creates and starts a container, including its postStart hook. Rejects with ContainerStartError. */
export async function startContainer(services: KubeletServices, inputs: StartInputs): Promise<void> {
  const { pod, container, runtime, sandboxId } = inputs;
  const { runtime: cri } = services;
  const downward = downwardContext(services, pod, runtime);
  const failed = (reason: "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError") => {
    return (cause: unknown): never => {
      const error =
        cause instanceof ContainerStartError
          ? cause
          : new ContainerStartError(reason, messageOf(cause), { cause });
      services.containerEvent(pod, container, "Warning", "Failed", `Error: ${error.message}`);
      throw error;
    };
  };
  const config = await configOf(services, inputs, downward).catch(failed("CreateContainerConfigError"));
  const id = await cri
    .createContainer(sandboxId, config, inputs.sandboxConfig)
    .catch(failed("CreateContainerError"));
  services.containerEvent(pod, container, "Normal", "Created", "Container created");
  await cri.startContainer(id).catch(failed("RunContainerError"));
  services.containerEvent(pod, container, "Normal", "Started", "Container started");
  const hook = container.lifecycle?.postStart;
  if (!hook) return;
  const podIp = downward.podIps[0] ?? "";
  try {
    const target = { container, containerId: id, podIp };
    await orAborted(runHook(cri, services.clock, hook, target, inputs.signal), inputs.signal);
  } catch (cause) {
    if (inputs.signal.aborted) throw cause;
    services.containerEvent(pod, container, "Warning", "FailedPostStartHook", "PostStartHook failed");
    services.containerEvent(pod, container, "Normal", "Killing", "FailedPostStartHook");
    await cri.stopContainer(id, pod.spec?.terminationGracePeriodSeconds ?? 30);
    throw new ContainerStartError("PostStartHookError", messageOf(cause), { cause });
  }
}

export function downwardContext(services: KubeletServices, pod: Pod, runtime: PodRuntime): DownwardContext {
  const hostIps = services.node.hostIps();
  return {
    pod,
    nodeName: services.node.name,
    hostIps,
    podIps: isHostNetwork(pod) ? hostIps : (readySandbox(runtime)?.ips ?? []),
    allocatable: services.node.allocatable(),
  };
}

async function configOf(services: KubeletServices, inputs: StartInputs, downward: DownwardContext) {
  const { pod, container, runtime, attempt } = inputs;
  const source = {
    services: () => services.services(),
    configMap: services.objects.configMap.bind(services.objects),
    secret: services.objects.secret.bind(services.objects),
  };
  const env = await containerEnvironment(pod, container, source, downward);
  const mounts = await mountsOf(services, inputs, env);
  const target = container.targetContainerName
    ? runsOf(runtime, container.targetContainerName, inputs.sandboxId)[0]
    : undefined;
  if (container.targetContainerName && target?.state !== "Running") {
    throw new ContainerStartError(
      "CreateContainerConfigError",
      `unable to find target container ${container.targetContainerName}`,
    );
  }
  return containerConfig({
    pod,
    container,
    attempt,
    image: inputs.image,
    env,
    mounts,
    targetId: target?.id,
    memoryCapacity: services.node.memoryCapacity,
  });
}

async function mountsOf(
  services: KubeletServices,
  inputs: StartInputs,
  env: ReadonlyMap<string, string>,
): Promise<Mount[]> {
  const { pod, container, volumes, runtime } = inputs;
  const mounts: Mount[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = volumes.get(mount.name);
    if (!volume) {
      throw new ContainerStartError(
        "CreateContainerConfigError",
        `cannot find volume "${mount.name}" to mount into container "${container.name}"`,
      );
    }
    const path = effectiveSubPath(mount, env);
    const hostPath =
      path === undefined || volume.image
        ? volume.hostPath
        : await services.volumes.subPath(pod, container.name, index, mount, volume, path);
    mounts.push(volumeMountOf(mount, volume, hostPath));
  }
  const taken = new Set(mounts.map((m) => m.containerPath));
  const plain = (containerPath: string, hostPath: string): Mount => ({
    containerPath,
    hostPath,
    readonly: false,
    propagation: "PRIVATE",
  });
  if (!taken.has("/etc/hosts")) mounts.push(plain("/etc/hosts", writeHostsFile(services, pod, runtime)));
  // The container's user may write its termination message.
  const name = `containers/${container.name}/${inputs.attempt}`;
  const file = services.volumes.writeFile(podUid(pod), name, "", 0o666);
  mounts.push(plain(terminationPath(container), file));
  return mounts;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
