/** Whether a write fits into a ResourceQuota, and what is used after it. Pure. */
import {
  type KubeObject,
  type PersistentVolumeClaim,
  type Pod,
  quota,
  type ResourceQuota,
} from "../../../api/index.ts";
import {
  addQuantity,
  compareQuantity,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subQuantity,
} from "../../../machinery/index.ts";
import { forbidden } from "../../errors.ts";
import type { AdmissionRequest } from "../chain.ts";

type Amounts = Readonly<Record<string, string>>;

/** Kinds that quotas do not count. */
const uncounted = new Set(["events", "bindings", "componentstatuses"]);
const zero = parseQuantity("0");

/** Whether the write can change the namespace's usage. */
export function concernsQuota({
  operation,
  resource,
  subresource,
  object,
  oldObject,
  namespace,
}: AdmissionRequest): boolean {
  const { group, plural } = resource.def;
  if (namespace === "" || (group === "" && plural === "namespaces") || uncounted.has(plural)) return false;
  const creates = operation === "CREATE";
  const updates = operation === "UPDATE";
  switch (group === "" || plural === "resourceclaims" ? plural : "") {
    case "pods":
      if (subresource === "resize") return updates;
      if (subresource !== "") return false;
      return (
        creates || (updates && quota.isTerminating(object as Pod) !== quota.isTerminating(oldObject as Pod))
      );
    case "persistentvolumeclaims":
      if (subresource === "status") return updates && promisesMore(object, oldObject);
      return subresource === "" && (creates || updates);
    case "services":
    case "resourceclaims":
      return subresource === "" && (creates || updates);
    default:
      return subresource === "" && creates;
  }
}

function promisesMore(object: KubeObject | undefined, old: KubeObject | undefined): boolean {
  const [now, before] = [object as PersistentVolumeClaim, old as PersistentVolumeClaim];
  const storage = (claim: PersistentVolumeClaim) => claim.status?.allocatedResources?.storage;
  return (
    storage(now) !== storage(before) ||
    quota.attributesClasses(now).sort().join() !== quota.attributesClasses(before).sort().join()
  );
}

/**
 * The quota's `used` after the write; undefined when the write does not change it. Throws 403 when it exceeds the quota. `now`:
 * milliseconds.
 */
export function usedAfter(
  counted: ResourceQuota,
  request: AdmissionRequest,
  now: number,
): Record<string, string> | undefined {
  const { resource, object, oldObject, operation } = request;
  const { group, plural } = resource.def;
  const kind = { group, plural };
  const { hard = {}, used = {} } = counted.status ?? {};
  const names = Object.keys(hard).filter((name) => {
    const found = quota.resourceOf(name);
    return found?.plural === plural && found.group === group;
  });
  if (names.length === 0 || !quota.inScope(counted, kind, object as KubeObject)) return undefined;
  const quotaName = counted.metadata?.name ?? "";
  const refuse = (why: string) => forbidden(resource.def, nameOf(request), why);
  const missing = group === "" && plural === "pods" ? unspecified(object as Pod, names) : "";
  if (missing) throw refuse(`failed quota: ${quotaName}: must specify ${missing}`);
  if (names.some((name) => used[name] === undefined)) {
    throw refuse(`status unknown for quota: ${quotaName}, resources: ${names.sort().join(",")}`);
  }
  const wanted = quota.usageOf(kind, object as KubeObject, now);
  const negative = [...wanted].filter(([, amount]) => amount.nanos < 0n).map(([name]) => name);
  if (negative.length > 0) {
    throw refuse(`quota usage is negative for resource(s): ${negative.sort().join(",")}`);
  }
  if (operation === "UPDATE" && oldObject && quota.inScope(counted, kind, oldObject)) {
    // The quota controller credits decreases after the write.
    for (const [name, before] of quota.usageOf(kind, oldObject, now)) {
      const more = subQuantity(wanted.get(name) ?? zero, before);
      wanted.set(name, more.nanos > 0n ? more : zero);
    }
  }
  const after: Record<string, string> = { ...used };
  const requested: Record<string, string> = {};
  const exceeded: string[] = [];
  for (const name of Object.keys(hard)) {
    const amount = wanted.get(name);
    if (!amount || amount.nanos === 0n) continue;
    requested[name] = formatQuantity(amount);
    const sum: Quantity = addQuantity(used[name] ?? "0", amount);
    after[name] = formatQuantity(sum);
    if (compareQuantity(sum, hard[name] as string) > 0) exceeded.push(name);
  }
  if (Object.keys(requested).length === 0) return undefined;
  if (exceeded.length > 0 && request.subresource !== "status") {
    const show = (amounts: Amounts): string =>
      exceeded
        .filter((name) => amounts[name] !== undefined)
        .sort()
        .map((name) => `${name}=${amounts[name]}`)
        .join(",");
    throw refuse(
      `exceeded quota: ${quotaName}, requested: ${show(requested)}, used: ${show(used)}, limited: ${show(hard)}`,
    );
  }
  return after;
}

/** A generated name is not known yet: Kubernetes' refusals show the object instead. */
const nameOf = ({ name, object }: AdmissionRequest): string =>
  name || object?.metadata?.name || object?.metadata?.generateName || "";

const mustBeSaid = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

/** The containers that do not request a resource (cpu or memory) that the quota limits, unless the pod does as a whole. */
function unspecified(pod: Pod, names: readonly string[]): string {
  const { resources, containers = [], initContainers = [] } = pod.spec ?? {};
  const whole = [...Object.keys(resources?.requests ?? {}), ...Object.keys(resources?.limits ?? {})];
  if (whole.some(quota.ofWholePod)) return "";
  return mustBeSaid
    .filter((name) => names.includes(name))
    .sort()
    .flatMap((name) => {
      const list = name.startsWith("limits.") ? "limits" : "requests";
      const resource = name.slice(name.indexOf(".") + 1);
      const silent = [...containers, ...initContainers]
        .filter((container) => container.resources?.[list]?.[resource] === undefined)
        .map((container) => container.name);
      return silent.length > 0 ? [`${name} for: ${[...new Set(silent)].sort().join(",")}`] : [];
    })
    .join("; ");
}
