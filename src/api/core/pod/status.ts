/** Validation of pod statuses. */
import {
  deepEqual,
  duplicate,
  forbidden,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  notSupported,
  required,
  tooLong,
} from "../../../machinery/index.ts";
import type { FieldError, Strategy } from "../../definition.ts";
import type {
  Container,
  ContainerStatus,
  Pod,
  PodExtendedResourceClaimStatus,
  PodSpec,
  PodStatus,
} from "../../generated/types.ts";
import { internalForm } from "../../internal-form.ts";
import { immutable } from "../../metadata.ts";
import { addressWarnings, legacyAddressProblems, parseAddress } from "../address-rules.ts";
import { validateAnnotationChange } from "./annotations.ts";
import { validateId } from "./security.ts";

const lists = [
  ["containerStatuses", "containers"],
  ["initContainerStatuses", "initContainers"],
  ["ephemeralContainerStatuses", "ephemeralContainers"],
] as const;

const ownConditions = new Set(["PodScheduled", "Ready", "Initialized"]);
const generationText = "must be a non-negative integer";

function validateConditions({ conditions = [] }: PodStatus, errors: FieldError[]): void {
  for (const [i, { type = "", observedGeneration = 0 }] of conditions.entries()) {
    const path = `status.conditions[${i}]`;
    if (observedGeneration < 0)
      errors.push(invalid(`${path}.observedGeneration`, observedGeneration, generationText));
    if (!ownConditions.has(type))
      for (const text of isQualifiedName(type)) errors.push(invalid(`${path}.Type`, type, text));
  }
}

function validateNomination(pod: Pod, old: Pod, errors: FieldError[]): void {
  const path = "status.nominatedNodeName";
  const name = pod.status?.nominatedNodeName ?? "";
  if (name === "" || name === (old.status?.nominatedNodeName ?? "")) return;
  for (const text of isDns1123Subdomain(name)) errors.push(invalid(path, name, text));
  if (old.spec?.nodeName)
    errors.push(forbidden(path, "may not be set on pods that are already bound to a node"));
}

/** Whether a terminated container is restarted. */
function restarts(container: Container | undefined, spec: PodSpec, exitCode: number): boolean {
  if (!container) return false;
  const rule = container.restartPolicyRules?.find(({ exitCodes }) => {
    if (!exitCodes) return false;
    return (exitCodes.values ?? []).includes(exitCode) === (exitCodes.operator === "In");
  });
  if (container.restartPolicy !== undefined && rule?.action?.startsWith("Restart")) return true;
  const policy = container.restartPolicy ?? spec.restartPolicy;
  return policy === "OnFailure" ? exitCode !== 0 : policy !== "Never";
}

/** A permanently terminated container cannot run again. */
function validateTransitions(
  now: readonly ContainerStatus[] = [],
  before: readonly ContainerStatus[] = [],
  mayRestart: (name: string, exitCode: number) => boolean,
  path: string,
  errors: FieldError[],
): void {
  for (const [i, each] of before.entries()) {
    const ended = each.state?.terminated;
    const again = now.find((other) => other.name === each.name && !other.state?.terminated);
    if (ended && again && !mayRestart(each.name, ended.exitCode ?? 0))
      errors.push(forbidden(`${path}[${i}].state`, "may not be transitioned to non-terminated state"));
  }
}

function validateStates({ status = {} }: Pod, old: Pod, errors: FieldError[]): void {
  const spec = old.spec ?? { containers: [] };
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  const restartsAll = all.some((each) =>
    each.restartPolicyRules?.some((rule) => rule.action === "RestartAllContainers"),
  );
  for (const [list, kind] of lists) {
    if (restartsAll && kind !== "ephemeralContainers") continue;
    const mayRestart = (name: string, code: number): boolean =>
      kind !== "ephemeralContainers" &&
      restarts(
        spec[kind]?.find((each) => each.name === name),
        spec,
        code,
      );
    validateTransitions(status[list], old.status?.[list], mayRestart, `status.${list}`, errors);
  }
}

function validateClaims({ status, spec }: Pod, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [i, { name = "", resourceClaimName }] of (status?.resourceClaimStatuses ?? []).entries()) {
    const path = `status.resourceClaimStatuses[${i}]`;
    if (!spec?.resourceClaims?.some((claim) => claim.name === name)) {
      const text = "must match the name of an entry in `spec.resourceClaims`";
      errors.push(invalid(`${path}.name`, name, text));
    }
    if (seen.has(name)) errors.push(duplicate(`${path}.name`, name));
    seen.add(name);
    if (resourceClaimName !== undefined)
      for (const text of isDns1123Subdomain(resourceClaimName))
        errors.push(invalid(`${path}.resourceClaimName`, resourceClaimName, text));
  }
}

function validateExtendedClaim(
  claim: PodExtendedResourceClaimStatus | undefined,
  spec: PodSpec | undefined,
  errors: FieldError[],
): void {
  if (!claim) return;
  const path = "status.extendedResourceClaimStatus";
  const containers = new Map(
    [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map((each) => [each.name, each]),
  );
  const mappings = claim.requestMappings ?? [];
  if (mappings.length === 0)
    errors.push(required(`${path}.requestMappings`, "at least one request mapping is required"));
  const seen = new Set<string>();
  for (const [i, { containerName = "", resourceName = "", requestName = "" }] of mappings.entries()) {
    const here = `${path}.requestMappings[${i}]`;
    const container = containers.get(containerName);
    if (!container) {
      const text = "must match the name of an entry in spec.initContainers.name or spec.containers.name";
      errors.push(invalid(`${here}.containerName`, containerName, text));
    } else if (container.resources?.requests?.[resourceName] === undefined) {
      const text =
        "must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests";
      errors.push(invalid(`${here}.resourceName`, resourceName, text));
    }
    for (const text of isDns1123Label(requestName))
      errors.push(invalid(`${path}.requestName`, requestName, text));
    const key = JSON.stringify([containerName, resourceName, requestName]);
    if (seen.has(key))
      errors.push(
        duplicate(`${here}.containerName`, containerName),
        duplicate(`${here}.resourceName`, resourceName),
        duplicate(`${here}.requestName`, requestName),
      );
    seen.add(key);
  }
  const name = claim.resourceClaimName;
  if (!name) errors.push(required(`${path}.resourceClaimName`));
  else
    for (const text of isDns1123Subdomain(name))
      errors.push(invalid(`${path}.resourceClaimName`, name, text));
}

interface Address {
  ip?: string;
}

/** At most one address per family. */
function validateAddresses(
  now: readonly Address[] = [],
  old: readonly Address[] = [],
  field: "podIPs" | "hostIPs",
  errors: FieldError[],
): void {
  const path = `status.${field}`;
  const known = old.map(({ ip = "" }) => ip);
  for (const [i, { ip = "" }] of now.entries())
    errors.push(...legacyAddressProblems(`${path}[${i}]`, ip, known));
  if (now.length < 2) return;
  const families = now.map(({ ip = "" }) => parseAddress(ip)?.bytes.length);
  const broken = families.indexOf(undefined);
  if (broken >= 0) {
    const text = `failed to check for dual stack with error:invalid IP[${broken}]: <nil>(${now[broken]?.ip ?? ""})`;
    errors.push({ reason: "InternalError", field: path, message: `Internal error: ${text}` });
  }
  if (now.length === 2 && new Set(families).size === 2 && broken < 0) return;
  const type = field === "podIPs" ? "core.PodIP" : "core.HostIP";
  const shown = now.map((each) => internalForm(type, each));
  errors.push(invalid(path, shown, "may specify no more than one IP for each IP family"));
}

function validateHostAddress({ hostIP = "", hostIPs = [] }: PodStatus, errors: FieldError[]): void {
  const first = hostIPs[0]?.ip ?? "";
  if (hostIPs.length > 0 && first !== hostIP)
    errors.push(invalid("status.hostIPs[0].ip", first, "must be equal to `hostIP`"));
}

function validateUsers({ status = {}, spec }: Pod, errors: FieldError[]): void {
  const os = spec?.os?.name ?? "linux";
  for (const [list] of lists) {
    for (const [i, { user }] of (status[list] ?? []).entries()) {
      const path = `status.${list}[${i}].user.linux`;
      if (!user?.linux) continue;
      if (os === "windows") errors.push(forbidden(path, "cannot be set for a windows pod"));
      else {
        validateId(user.linux.uid ?? 0, `${path}.uid`, errors);
        validateId(user.linux.gid ?? 0, `${path}.gid`, errors);
        for (const [j, group] of (user.linux.supplementalGroups ?? []).entries())
          validateId(group, `${path}.supplementalGroups[${j}]`, errors);
      }
    }
  }
}

const healthStates = ["Healthy", "Unhealthy", "Unknown"];
const maxMessage = 1024;

/** True when the container requests the resource in its status. */
function asksFor({ resources = {} }: Container, name: string): boolean {
  if (!name.startsWith("claim:")) return resources.requests?.[name] !== undefined;
  return (resources.claims ?? []).some(
    (claim) => name === `claim:${claim.name}${claim.request ? `/${claim.request}` : ""}`,
  );
}

function validateAllocated(
  statuses: readonly ContainerStatus[] = [],
  containers: readonly Container[] = [],
  path: string,
  errors: FieldError[],
): void {
  for (const [i, status] of statuses.entries()) {
    const container = containers.find((each) => each.name === status.name);
    for (const [j, { name = "", resources = [] }] of (status.allocatedResourcesStatus ?? []).entries()) {
      const here = `${path}[${i}].allocatedResourcesStatus[${j}]`;
      if (container && !asksFor(container, name)) {
        const text = name.startsWith("claim:")
          ? "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty"
          : "must match one of the container's resource requests";
        errors.push(invalid(`${here}.name`, name, text));
      }
      const seen = new Set<string>();
      for (const [k, { health = "", resourceID = "", message }] of resources.entries()) {
        const at = `${here}.resources[${k}]`;
        if (!healthStates.includes(health)) errors.push(notSupported(`${at}.health`, health, healthStates));
        if (message === "") errors.push(required(`${at}.message`, "must be non-empty if specified"));
        else if (message !== undefined && message.length > maxMessage)
          errors.push(tooLong(`${at}.message`, maxMessage));
        if (seen.has(resourceID)) errors.push(duplicate(`${at}.resourceID`, resourceID));
        seen.add(resourceID);
      }
    }
  }
}

export function validatePodStatus(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const { status = {}, spec } = pod;
  const before = old.status ?? {};
  validateAnnotationChange(pod, old, errors);
  validateConditions(status, errors);
  validateNomination(pod, old, errors);
  const generation = status.observedGeneration ?? 0;
  if (generation < 0) errors.push(invalid("status.observedGeneration", generation, generationText));
  immutable("status.qosClass", status.qosClass ?? "", before.qosClass ?? "", errors);
  validateStates(pod, old, errors);
  validateClaims(pod, errors);
  validateExtendedClaim(status.extendedResourceClaimStatus, spec, errors);
  validateAddresses(status.podIPs, before.podIPs, "podIPs", errors);
  validateHostAddress(status, errors);
  validateAddresses(status.hostIPs, before.hostIPs, "hostIPs", errors);
  validateUsers(pod, errors);
  for (const [list, kind] of lists) {
    if (kind !== "ephemeralContainers") {
      validateAllocated(status[list], spec?.[kind], `status.${list}`, errors);
      continue;
    }
    for (const [i, each] of (status[list] ?? []).entries())
      if (each.allocatedResourcesStatus?.length) {
        const here = `status.${list}[${i}].allocatedResourcesStatus`;
        errors.push(forbidden(here, "must not be specified in container status"));
      }
  }
  return errors;
}

/** Missing generations of conditions are taken from the old status. */
function keepGenerations(status: PodStatus, old: PodStatus): void {
  if (old.observedGeneration) status.observedGeneration ||= old.observedGeneration;
  const known = new Map<string, (number | undefined)[]>();
  for (const { type, observedGeneration } of old.conditions ?? [])
    known.set(type, [...(known.get(type) ?? []), observedGeneration]);
  for (const condition of status.conditions ?? []) {
    const before = known.get(condition.type)?.shift();
    if (before) condition.observedGeneration ||= before;
  }
}

/** A /status update keeps the spec, and the QoS class set at creation. */
export const podStatusStrategy: Strategy = {
  prepareForUpdate(object, old) {
    const pod = object as Pod;
    const before = (old as Pod).status ?? {};
    const status = (pod.status ??= {});
    const meta = (pod.metadata ??= {});
    // Older kubelets corrupted them, which broke garbage collection.
    if (old.metadata?.ownerReferences) meta.ownerReferences = old.metadata.ownerReferences;
    else delete meta.ownerReferences;
    // Deletion fields cannot be changed here.
    if (old.metadata?.deletionTimestamp) meta.deletionTimestamp = old.metadata.deletionTimestamp;
    else delete meta.deletionTimestamp;
    if (before.qosClass) status.qosClass ||= before.qosClass;
    keepGenerations(status, before);
    // Disabled, so new statuses do not get it.
    const fields = status as Record<string, unknown>;
    if (!deepEqual((before as Record<string, unknown>)["nodeAllocatableResourceClaimStatuses"], undefined))
      return;
    delete fields["nodeAllocatableResourceClaimStatuses"];
  },
  warnings(object) {
    const { podIPs = [], hostIPs = [] } = (object as Pod).status ?? {};
    return [
      ...podIPs.flatMap(({ ip }, i) => addressWarnings(`status.podIPs[${i}].ip`, ip)),
      ...hostIPs.flatMap(({ ip }, i) => addressWarnings(`status.hostIPs[${i}].ip`, ip)),
    ];
  },
};
