/** Controls of privileges (capabilities, users, escalation) and of volume types. */
import type { Container, Volume } from "../../../api/index.ts";
import { type Check, containersText, namesOf, plural, quoted, setters, sorted } from "./check.ts";

const usualCapabilities = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);

function addedBeyond(
  containers: readonly Container[],
  allowed: (capability: string) => boolean,
): string | undefined {
  const added = (container: Container): string[] =>
    (container.securityContext?.capabilities?.add ?? []).filter((each) => !allowed(each));
  const bad = containers.filter((each) => added(each).length > 0);
  if (bad.length === 0) return undefined;
  const what = quoted(sorted(bad.flatMap(added)));
  return `${containersText(namesOf(bad))} must not include ${what} in securityContext.capabilities.add`;
}

export const usualCapabilitiesOnly: Check = ({ containers }) => {
  const detail = addedBeyond(containers, (each) => usualCapabilities.has(each));
  return detail ? { reason: "non-default capabilities", detail } : undefined;
};

export const noCapabilities: Check = ({ containers }) => {
  const keeping = containers.filter((each) => !each.securityContext?.capabilities?.drop?.includes("ALL"));
  const details = [
    keeping.length > 0
      ? `${containersText(namesOf(keeping))} must set securityContext.capabilities.drop=["ALL"]`
      : undefined,
    addedBeyond(containers, (each) => each === "NET_BIND_SERVICE"),
  ].filter((each) => each !== undefined);
  return details.length > 0 ? { reason: "unrestricted capabilities", detail: details.join("; ") } : undefined;
};

export const noEscalation: Check = ({ containers }) => {
  const bad = containers.filter((each) => each.securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  return {
    reason: "allowPrivilegeEscalation != false",
    detail: `${containersText(namesOf(bad))} must set securityContext.allowPrivilegeEscalation=false`,
  };
};

export const runAsNonRoot: Check = ({ spec, containers }) => {
  const own = spec.securityContext?.runAsNonRoot;
  const reason = "runAsNonRoot != true";
  const refusing = containers.filter((each) => each.securityContext?.runAsNonRoot === false);
  if (own === false || refusing.length > 0) {
    return {
      reason,
      detail: `${setters(own === false, refusing)} must not set securityContext.runAsNonRoot=false`,
    };
  }
  const silent = own ? [] : containers.filter((each) => each.securityContext?.runAsNonRoot === undefined);
  if (silent.length === 0) return undefined;
  return {
    reason,
    detail: `pod or ${containersText(namesOf(silent))} must set securityContext.runAsNonRoot=true`,
  };
};

export const runAsUser: Check = ({ spec, containers }) => {
  const own = spec.securityContext?.runAsUser === 0;
  const bad = containers.filter((each) => each.securityContext?.runAsUser === 0);
  if (!own && bad.length === 0) return undefined;
  return { reason: "runAsUser=0", detail: `${setters(own, bad)} must not set runAsUser=0` };
};

const harmlessVolumes = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
] as const;
/** Volume types with names of their own in messages; the first that is set counts. */
const otherVolumes = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "gitRepo",
  "nfs",
  "iscsi",
  "glusterfs",
  "rbd",
  "flexVolume",
  "cinder",
  "cephfs",
  "flocker",
  "fc",
  "azureFile",
  "vsphereVolume",
  "quobyte",
  "azureDisk",
  "photonPersistentDisk",
  "portworxVolume",
  "scaleIO",
  "storageos",
] as const;

export const restrictedVolumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter(
    (each) => !harmlessVolumes.some((type) => each[type] !== undefined),
  );
  if (bad.length === 0) return undefined;
  const typeOf = (volume: Volume): string =>
    otherVolumes.find((type) => volume[type] !== undefined) ?? "unknown";
  const types = sorted(bad.map(typeOf));
  const names = bad.map((each) => each.name);
  const what = plural("restricted volume type", "restricted volume types", types.length);
  return {
    reason: "restricted volume types",
    detail: `${plural("volume", "volumes", bad.length)} ${quoted(names)} ${plural("uses", "use", bad.length)} ${what} ${quoted(types)}`,
  };
};
