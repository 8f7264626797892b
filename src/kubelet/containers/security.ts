import type { Pod } from "../../api/index.ts";
import type {
  Image,
  LinuxContainerSecurityContext,
  NamespaceOptions,
  PodSandboxConfig,
  SecurityProfile,
} from "../../cri/index.ts";
import { type AnyContainer, podLabel } from "../pods/pod-key.ts";
import { ContainerStartError } from "./config-error.ts";

/** Paths hidden from containers that are neither privileged nor have procMount Unmasked. */
const maskedPaths = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
  "/proc/interrupts",
];
const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

export function namespaceOptions(pod: Pod): NamespaceOptions {
  const spec = pod.spec;
  return {
    network: spec?.hostNetwork ? "NODE" : "POD",
    pid: spec?.hostPID ? "NODE" : spec?.shareProcessNamespace ? "POD" : "CONTAINER",
    ipc: spec?.hostIPC ? "NODE" : "POD",
  };
}

/** Groups of the pod: supplementalGroups, fsGroup. */
function podGroups(pod: Pod): number[] {
  const sc = pod.spec?.securityContext;
  const groups = [...(sc?.supplementalGroups ?? [])];
  if (sc?.fsGroup !== undefined) groups.push(sc.fsGroup);
  return groups;
}

export function sandboxSecurityContext(pod: Pod): PodSandboxConfig["linux"]["securityContext"] {
  const sc = pod.spec?.securityContext;
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return {
    namespaceOptions: namespaceOptions(pod),
    ...(sc?.runAsUser === undefined ? {} : { runAsUser: sc.runAsUser }),
    ...(sc?.runAsUser === undefined || sc.runAsGroup === undefined ? {} : { runAsGroup: sc.runAsGroup }),
    supplementalGroups: podGroups(pod),
    privileged: all.some((c) => c.securityContext?.privileged === true),
    seccomp: profile(sc?.seccompProfile, false),
    readonlyRootfs: false,
  };
}

/** A container's security settings, which have priority over the pod's. */
export function containerSecurityContext(
  pod: Pod,
  container: AnyContainer,
  image: Image,
  targetId: string | undefined,
): LinuxContainerSecurityContext {
  const outer = pod.spec?.securityContext;
  const own = container.securityContext;
  const user = own?.runAsUser ?? outer?.runAsUser ?? image.uid;
  const group = own?.runAsGroup ?? outer?.runAsGroup;
  verifyNonRoot(pod, container, image);
  const privileged = own?.privileged === true;
  const unmasked = privileged || own?.procMount === "Unmasked";
  const namespaces = namespaceOptions(pod);
  return {
    capabilities: {
      add: own?.capabilities?.add ?? [],
      drop: own?.capabilities?.drop ?? [],
    },
    privileged,
    namespaceOptions: targetId ? { ...namespaces, pid: "TARGET", targetId } : namespaces,
    ...(user === undefined ? {} : { runAsUser: user }),
    ...(user === undefined && image.username ? { runAsUsername: image.username } : {}),
    ...(group === undefined ? {} : { runAsGroup: group }),
    readonlyRootfs: own?.readOnlyRootFilesystem === true,
    supplementalGroups: podGroups(pod),
    ...(outer?.supplementalGroupsPolicy
      ? { supplementalGroupsPolicy: outer.supplementalGroupsPolicy as "Merge" | "Strict" }
      : {}),
    noNewPrivs: own?.allowPrivilegeEscalation === false,
    maskedPaths: unmasked ? [] : maskedPaths,
    readonlyPaths: unmasked ? [] : readonlyPaths,
    seccomp: profile(own?.seccompProfile ?? outer?.seccompProfile, privileged),
  };
}

function profile(
  wanted: { type: string; localhostProfile?: string } | undefined,
  privileged: boolean,
): SecurityProfile {
  // By default the runtime's profile (like the kubelet's --seccomp-default).
  if (!wanted) return { type: privileged ? "Unconfined" : "RuntimeDefault" };
  if (wanted.type === "Localhost") {
    return {
      type: "Localhost",
      ...(wanted.localhostProfile ? { localhostRef: wanted.localhostProfile } : {}),
    };
  }
  return { type: wanted.type === "RuntimeDefault" ? "RuntimeDefault" : "Unconfined" };
}

function verifyNonRoot(pod: Pod, container: AnyContainer, image: Image): void {
  const outer = pod.spec?.securityContext;
  const own = container.securityContext;
  if (!(own?.runAsNonRoot ?? outer?.runAsNonRoot)) return;
  const where = `(pod: "${podLabel(pod)}", container: ${container.name})`;
  const fail = (sentence: string): never => {
    throw new ContainerStartError("CreateContainerConfigError", `${sentence} ${where}`);
  };
  const user = own?.runAsUser ?? outer?.runAsUser;
  if (user !== undefined) {
    if (user === 0) fail("container's runAsUser breaks non-root policy");
    return;
  }
  if (image.uid === 0) fail("container has runAsNonRoot and image will run as root");
  if (image.uid === undefined && image.username) {
    fail(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root`,
    );
  }
  if (image.uid === undefined) fail("container has runAsNonRoot and image will run as root");
}
