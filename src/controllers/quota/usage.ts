/** What one object takes from a ResourceQuota, by the names that quotas use. */
import type { Container, KubeObject, PersistentVolumeClaim, Pod, Service } from "../../api/index.ts";
import { addQuantity, compareQuantity, parseQuantity, type Quantity } from "../../machinery/index.ts";
import { isFinished } from "../pods/state.ts";

export type Usage = Map<string, Quantity>;

/** Kinds that may be named without `count/`. */
const plain = new Set([
  "pods",
  "services",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
]);
const computed = ["cpu", "memory", "ephemeral-storage"];
const one = parseQuantity("1");

export interface ResourceName {
  group: string;
  plural: string;
}

/** The kinds of objects whose use a name of a quota sums up. */
export function resourceOf(name: string): ResourceName {
  if (name.startsWith("count/")) {
    const [plural = "", ...group] = name.slice("count/".length).split(".");
    return { group: group.join("."), plural };
  }
  if (name.startsWith("services.")) return { group: "", plural: "services" };
  if (name === "requests.storage" || name.includes(".storageclass.storage.k8s.io/")) {
    return { group: "", plural: "persistentvolumeclaims" };
  }
  return { group: "", plural: plain.has(name) ? name : "pods" };
}

export function usageOf({ group, plural }: ResourceName, object: KubeObject): Usage {
  const usage: Usage = new Map([[`count/${plural}${group ? `.${group}` : ""}`, one]]);
  if (group !== "") return usage;
  if (plural === "pods") {
    // A pod that is over takes its place in the store and nothing else.
    if (!isFinished(object as Pod)) addPod(usage, object as Pod);
  } else if (plain.has(plural)) usage.set(plural, one);
  if (plural === "services") addService(usage, object as Service);
  if (plural === "persistentvolumeclaims") addClaim(usage, object as PersistentVolumeClaim);
  return usage;
}

function addPod(usage: Usage, pod: Pod): void {
  usage.set("pods", one);
  for (const [name, amount] of podResources(pod, "requests")) {
    usage.set(`requests.${name}`, amount);
    if (computed.includes(name) || name.startsWith("hugepages-")) usage.set(name, amount);
  }
  for (const [name, amount] of podResources(pod, "limits")) {
    if (computed.includes(name)) usage.set(`limits.${name}`, amount);
  }
}

/** Containers run together, init containers one after the other beside the restartable ones before them. */
export function podResources(pod: Pod, what: "requests" | "limits"): Usage {
  const { containers = [], initContainers = [], overhead, resources } = pod.spec ?? {};
  const sum: Usage = new Map();
  const peak: Usage = new Map();
  const beside: Usage = new Map();
  const of = (container: Container): Readonly<Record<string, string>> => container.resources?.[what] ?? {};
  for (const container of containers) add(sum, of(container));
  for (const container of initContainers) {
    const now = new Map(beside);
    add(now, of(container));
    for (const [name, amount] of now) raise(peak, name, amount);
    if (container.restartPolicy === "Always") {
      add(sum, of(container));
      add(beside, of(container));
    }
  }
  for (const [name, amount] of peak) raise(sum, name, amount);
  // What is said of the whole pod stands above its containers.
  for (const [name, amount] of Object.entries(resources?.[what] ?? {})) sum.set(name, parseQuantity(amount));
  for (const [name, amount] of Object.entries(overhead ?? {})) {
    if (what === "requests" || sum.has(name)) add(sum, { [name]: amount });
  }
  return sum;
}

function add(usage: Usage, more: Readonly<Record<string, string>>): void {
  for (const [name, amount] of Object.entries(more)) {
    const known = usage.get(name);
    usage.set(name, known ? addQuantity(known, amount) : parseQuantity(amount));
  }
}

function raise(usage: Usage, name: string, amount: Quantity): void {
  const known = usage.get(name);
  if (!known || compareQuantity(known, amount) < 0) usage.set(name, amount);
}

function addService(usage: Usage, service: Service): void {
  const { type, ports = [], allocateLoadBalancerNodePorts } = service.spec ?? {};
  const balanced = type === "LoadBalancer";
  if (balanced) usage.set("services.loadbalancers", one);
  if (type === "NodePort" || (balanced && allocateLoadBalancerNodePorts !== false)) {
    usage.set("services.nodeports", parseQuantity(ports.length));
  }
}

function addClaim(usage: Usage, claim: PersistentVolumeClaim): void {
  const size = claim.spec?.resources?.requests?.storage;
  const ofClass = claim.spec?.storageClassName
    ? `${claim.spec.storageClassName}.storageclass.storage.k8s.io/`
    : undefined;
  if (ofClass) usage.set(`${ofClass}persistentvolumeclaims`, one);
  if (size === undefined) return;
  usage.set("requests.storage", parseQuantity(size));
  if (ofClass) usage.set(`${ofClass}requests.storage`, parseQuantity(size));
}
