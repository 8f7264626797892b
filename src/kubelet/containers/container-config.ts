import type { Pod, VolumeMount } from "../../api/index.ts";
import type { ContainerConfig, Image, Mount } from "../../cri/index.ts";
import { containerHash } from "../plan/container-hash.ts";
import {
  type AnyContainer,
  initContainers,
  isSidecar,
  podName,
  podNamespace,
  podUid,
  specGraceSeconds,
} from "../pods/pod-key.ts";
import { runtimeAnnotations, runtimeLabels } from "../pods/pod-runtime.ts";
import type { MountedVolume } from "../volumes/volume.ts";
import { ContainerStartError } from "./config-error.ts";
import { expandVariables } from "./expansion.ts";
import { containerResources } from "./resources.ts";
import { containerSecurityContext } from "./security.ts";

export interface ContainerConfigInputs {
  pod: Pod;
  container: AnyContainer;
  /** Number of this run: 0 for the first. */
  attempt: number;
  image: Image;
  env: ReadonlyMap<string, string>;
  mounts: Mount[];
  /** The target container, whose process namespace an ephemeral container joins. */
  targetId: string | undefined;
  /** Bytes. */
  memoryCapacity: number;
}

/** The runtime's configuration for one run of a container. Pure. */
export function containerConfig(inputs: ContainerConfigInputs): ContainerConfig {
  const { pod, container, attempt, image, env } = inputs;
  const expand = (text: string): string => expandVariables(text, (name) => env.get(name));
  return {
    metadata: { name: container.name, attempt },
    image: { image: image.id, userSpecifiedImage: container.image ?? "" },
    command: (container.command ?? []).map(expand),
    args: (container.args ?? []).map(expand),
    workingDir: container.workingDir ?? "",
    envs: [...env].map(([key, value]) => ({ key, value })),
    mounts: inputs.mounts,
    devices: [],
    labels: {
      [runtimeLabels.containerName]: container.name,
      [runtimeLabels.podName]: podName(pod),
      [runtimeLabels.podNamespace]: podNamespace(pod),
      [runtimeLabels.podUid]: podUid(pod),
    },
    annotations: {
      [runtimeAnnotations.containerHash]: containerHash(container),
      [runtimeAnnotations.restartCount]: String(attempt),
      [runtimeAnnotations.terminationMessagePath]: terminationPath(container),
      [runtimeAnnotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? "File",
      [runtimeAnnotations.podTerminationGracePeriod]: String(specGraceSeconds(pod)),
      ...(isAwaited(pod, container) ? { [runtimeAnnotations.ends]: "true" } : {}),
    },
    logPath: `${container.name}/${attempt}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    ...(container.lifecycle?.stopSignal ? { stopSignal: container.lifecycle.stopSignal } : {}),
    linux: {
      resources: containerResources(pod, container, inputs.memoryCapacity),
      securityContext: containerSecurityContext(pod, container, image, inputs.targetId),
    },
  };
}

/** An init container that is not a sidecar. */
const isAwaited = (pod: Pod, { name }: AnyContainer): boolean =>
  initContainers(pod).some((each) => each.name === name && !isSidecar(each));

export function terminationPath(container: AnyContainer): string {
  return container.terminationMessagePath ?? "/dev/termination-log";
}

/** The expanded subPath or subPathExpr of a volumeMount; undefined without one. */
export function effectiveSubPath(mount: VolumeMount, env: ReadonlyMap<string, string>): string | undefined {
  if (!mount.subPathExpr) return mount.subPath || undefined;
  const unknown: string[] = [];
  const path = expandVariables(mount.subPathExpr, (name) => {
    const value = env.get(name);
    if (value === undefined) unknown.push(name);
    return value;
  });
  if (unknown.length > 0) {
    throw subPathError(`missing value for "${unknown[0]}"`);
  }
  if (path.startsWith("/"))
    throw subPathError(`subPath ${JSON.stringify(path)} must not be an absolute path`);
  if (path.split("/").includes(".."))
    throw subPathError(`subPath ${JSON.stringify(path)} must not contain '..'`);
  return path || undefined;
}

function subPathError(message: string): ContainerStartError {
  return new ContainerStartError("CreateContainerConfigError", `failed to prepare subPath: ${message}`);
}

/** The Mount of a volumeMount with the source `hostPath` (the volume, or its safe subPath). */
export function volumeMountOf(mount: VolumeMount, volume: MountedVolume, hostPath: string): Mount {
  const readonly = mount.readOnly === true || volume.readOnly;
  const propagation =
    mount.mountPropagation === "HostToContainer"
      ? "HOST_TO_CONTAINER"
      : mount.mountPropagation === "Bidirectional"
        ? "BIDIRECTIONAL"
        : "PRIVATE";
  return {
    containerPath: mount.mountPath.startsWith("/") ? mount.mountPath : `/${mount.mountPath}`,
    hostPath,
    readonly,
    ...(mount.recursiveReadOnly === "Enabled" || mount.recursiveReadOnly === "IfPossible"
      ? { recursiveReadOnly: readonly }
      : {}),
    propagation,
    ...(volume.image ? { image: { image: volume.image } } : {}),
    ...(volume.image && mount.subPath ? { imageSubPath: mount.subPath } : {}),
  };
}
