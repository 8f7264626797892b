/** What one object takes from a ResourceQuota, by the names that quotas use. */
import { addQuantity, compareQuantity, parseQuantity, quantityValue } from "../../machinery/index.ts";
import type { PersistentVolumeClaim, Pod, ResourceV1ResourceClaim, Service } from "../generated/types.ts";
import type { KubeObject } from "../meta.ts";
import { addPodUsage, countsStill, isNative, one, type Usage } from "./pod-usage.ts";

export interface ResourceName {
  group: string;
  plural: string;
}

/** Kinds that may be named without `count/`, beside those that are counted in more than one way. */
const counted = new Set(["replicationcontrollers", "resourcequotas", "secrets", "configmaps"]);
const perDeviceClass = ".deviceclass.resource.k8s.io/devices";
const perStorageClass = ".storageclass.storage.k8s.io/";
/** As many devices as one claim can get at most: what "All" is counted as. */
const maxDevices = 32;
const ofPods = new Set([
  "pods",
  ...["", "requests.", "limits."].flatMap((prefix) =>
    ["cpu", "memory", "ephemeral-storage"].map((name) => prefix + name),
  ),
]);

/** Events come and go without anybody's counting; bindings are not stored. */
const isUncounted = ({ group, plural }: ResourceName): boolean =>
  (plural === "events" && (group === "" || group === "events.k8s.io")) ||
  (group === "" && (plural === "bindings" || plural === "componentstatuses"));

/** The resource whose objects a name in a quota's `hard` counts; undefined for names that nothing counts. */
export function resourceOf(name: string): ResourceName | undefined {
  if (name.startsWith("count/")) {
    const [plural = "", ...parts] = name.slice("count/".length).split(".");
    const group = parts.join(".");
    return isUncounted({ group, plural }) ? undefined : { group, plural };
  }
  if (["services", "services.nodeports", "services.loadbalancers"].includes(name)) {
    return { group: "", plural: "services" };
  }
  if (isOfClaims(name)) return { group: "", plural: "persistentvolumeclaims" };
  if (name.endsWith(perDeviceClass)) return { group: "resource.k8s.io", plural: "resourceclaims" };
  if (counted.has(name)) return { group: "", plural: name };
  return isOfPods(name) ? { group: "", plural: "pods" } : undefined;
}

function isOfClaims(name: string): boolean {
  const resource = name.includes(perStorageClass) ? name.slice(name.lastIndexOf("/") + 1) : name;
  return resource === "persistentvolumeclaims" || resource === "requests.storage";
}

function isOfPods(name: string): boolean {
  if (ofPods.has(name) || /^(requests\.)?hugepages-/.test(name)) return true;
  if (!name.startsWith("requests.")) return false;
  return !isNative(name) || name.startsWith("requests.deviceclass.resource.kubernetes.io/");
}

const countName = ({ group, plural }: ResourceName): string => `count/${plural}${group ? `.${group}` : ""}`;

/** `now`: milliseconds; a pod that should be gone by then takes nothing. */
export function usageOf(resource: ResourceName, object: KubeObject, now: number): Usage {
  const usage: Usage = new Map([[countName(resource), one]]);
  const { group, plural } = resource;
  if (group === "resource.k8s.io" && plural === "resourceclaims")
    addDevices(usage, object as ResourceV1ResourceClaim);
  if (group !== "") return usage;
  if (plural === "pods") {
    // A pod that is over takes its place in the store and nothing else.
    if (countsStill(object as Pod, now)) addPodUsage(usage, object as Pod);
  } else if (plural === "services") addService(usage, object as Service);
  else if (plural === "persistentvolumeclaims") addClaim(usage, object as PersistentVolumeClaim);
  else if (counted.has(plural)) usage.set(plural, one);
  return usage;
}

function addService(usage: Usage, service: Service): void {
  const { type, ports = [], allocateLoadBalancerNodePorts } = service.spec ?? {};
  usage.set("services", one);
  usage.set("services.nodeports", parseQuantity("0"));
  usage.set("services.loadbalancers", parseQuantity("0"));
  if (type === "LoadBalancer") usage.set("services.loadbalancers", one);
  else if (type !== "NodePort") return;
  // Node ports are not given yet: what is meant counts, and only where none are wanted, what is asked for.
  const none = type === "LoadBalancer" && allocateLoadBalancerNodePorts === false;
  const wanted = none ? ports.filter((each) => each.nodePort) : ports;
  usage.set("services.nodeports", parseQuantity(wanted.length));
}

function addClaim(usage: Usage, claim: PersistentVolumeClaim): void {
  const { spec, status, metadata } = claim;
  const className =
    metadata?.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec?.storageClassName;
  usage.set("persistentvolumeclaims", one);
  if (className) usage.set(`${className}${perStorageClass}persistentvolumeclaims`, one);
  const wanted = spec?.resources?.requests?.storage;
  if (wanted === undefined) return;
  // A grown claim that is given back smaller still holds what was promised (KEP-1790).
  const promised = status?.allocatedResources?.storage;
  const size = promised !== undefined && compareQuantity(promised, wanted) > 0 ? promised : wanted;
  const exact = parseQuantity(size);
  const amount = exact.nanos % 1_000_000_000n === 0n ? exact : parseQuantity(quantityValue(exact));
  usage.set("requests.storage", amount);
  if (className) usage.set(`${className}${perStorageClass}requests.storage`, amount);
}

/** The most devices of each class that the claim may come to: of alternatives, the largest. */
function addDevices(usage: Usage, claim: ResourceV1ResourceClaim): void {
  for (const { exactly, firstAvailable } of claim.spec?.devices?.requests ?? []) {
    const most = new Map<string, number>();
    for (const request of firstAvailable?.length ? firstAvailable : exactly ? [exactly] : []) {
      const { allocationMode = "ExactCount", count = 1, deviceClassName } = request;
      const devices = allocationMode === "All" ? maxDevices : allocationMode === "ExactCount" ? count : 0;
      const name = `${deviceClassName}${perDeviceClass}`;
      most.set(name, Math.max(most.get(name) ?? 0, devices));
    }
    for (const [name, devices] of most) {
      const known = usage.get(name);
      usage.set(name, known ? addQuantity(known, String(devices)) : parseQuantity(devices));
    }
  }
}
