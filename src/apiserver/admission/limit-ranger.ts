import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from "../../api/index.ts";
import {
  addQuantity,
  compareQuantity,
  formatQuantity,
  milliValue,
  parseQuantity,
  type Quantity,
} from "../../machinery/index.ts";
import { forbidden } from "../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { podOf } from "./pod-of.ts";

const annotation = "kubernetes.io/limit-ranger";

type Amounts = Record<string, string>;

/** LimitRanger: fills a container's requests and limits from its namespace's LimitRanges, and holds pods and claims to them. */
export function limitRanger({ caches }: PluginContext): AdmissionPlugin {
  const itemsOf = (namespace: string): LimitRangeItem[] =>
    caches.list<LimitRange>("", "limitranges", namespace).flatMap((range) => range.spec?.limits ?? []);
  return {
    name: "LimitRanger",
    admit(request) {
      const pod = request.operation === "CREATE" ? podOf(request) : undefined;
      if (pod) fillDefaults(pod, itemsOf(request.namespace));
    },
    validate(request) {
      const pod = request.operation === "CREATE" ? podOf(request) : undefined;
      const claim = claimOf(request);
      if (!pod && !claim) return;
      const items = itemsOf(request.namespace);
      const problems = pod ? podProblems(pod, items) : claim ? claimProblems(claim, items) : [];
      if (problems.length === 0) return;
      const text = problems.length === 1 ? (problems[0] ?? "") : `[${problems.join(", ")}]`;
      throw forbidden(request.resource.def, (pod ?? claim)?.metadata?.name ?? "", text);
    },
  };
}

function claimOf({
  resource,
  object,
  subresource,
  operation,
}: AdmissionRequest): PersistentVolumeClaim | undefined {
  const isClaim = resource.def.group === "" && resource.def.kind === "PersistentVolumeClaim";
  const writes = operation === "CREATE" || operation === "UPDATE";
  return isClaim && subresource === "" && writes ? (object as PersistentVolumeClaim) : undefined;
}

/** Limits first: a request that is not given follows the default request, else the limit that is there by then. */
function fillDefaults(pod: Pod, items: readonly LimitRangeItem[]): void {
  const notes: string[] = [];
  const own = items.filter((item) => item.type === "Container");
  if (own.length === 0) return;
  for (const [kind, containers] of [
    ["container", pod.spec?.containers ?? []],
    ["init container", pod.spec?.initContainers ?? []],
  ] as const) {
    for (const container of containers) {
      const resources = (container.resources ??= {});
      const requests = merge(resources.requests, own, "defaultRequest");
      const limits = merge(resources.limits, own, "default");
      if (requests.added.length > 0) {
        resources.requests = requests.amounts;
        notes.push(`${requests.added.join(", ")} request for ${kind} ${container.name}`);
      }
      if (limits.added.length > 0) {
        resources.limits = limits.amounts;
        notes.push(`${limits.added.join(", ")} limit for ${kind} ${container.name}`);
      }
    }
  }
  if (notes.length === 0) return;
  const metadata = (pod.metadata ??= {});
  metadata.annotations = {
    ...metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${notes.join("; ")}`,
  };
}

function merge(
  given: Amounts | undefined,
  items: readonly LimitRangeItem[],
  field: "default" | "defaultRequest",
): { amounts: Amounts; added: string[] } {
  const amounts: Amounts = { ...given };
  const added: string[] = [];
  for (const [name, amount] of items.flatMap((item) => Object.entries(item[field] ?? {}))) {
    if (amounts[name] !== undefined) continue;
    amounts[name] = amount;
    added.push(name);
  }
  return { amounts, added: added.sort() };
}

function podProblems(pod: Pod, items: readonly LimitRangeItem[]): string[] {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  return items.flatMap((item) => {
    if (item.type === "Container") {
      return containers.flatMap(({ resources }) =>
        check(item, resources?.requests ?? {}, resources?.limits ?? {}),
      );
    }
    if (item.type !== "Pod") return [];
    return check(item, podSum(pod, "requests"), podSum(pod, "limits"));
  });
}

/** What a pod takes in all: its containers together, or one init container that takes more. */
function podSum(pod: Pod, list: "requests" | "limits"): Amounts {
  const sum = new Map<string, Quantity>();
  const amounts = (container: Container): [string, Quantity][] =>
    Object.entries(container.resources?.[list] ?? {}).map(([name, text]) => [name, parseQuantity(text)]);
  for (const [name, amount] of (pod.spec?.containers ?? []).flatMap(amounts)) {
    const before = sum.get(name);
    sum.set(name, before ? addQuantity(before, amount) : amount);
  }
  for (const [name, amount] of (pod.spec?.initContainers ?? []).flatMap(amounts)) {
    const before = sum.get(name);
    if (!before || compareQuantity(amount, before) > 0) sum.set(name, amount);
  }
  return Object.fromEntries([...sum].map(([name, amount]) => [name, formatQuantity(amount)]));
}

function claimProblems(claim: PersistentVolumeClaim, items: readonly LimitRangeItem[]): string[] {
  const requests = claim.spec?.resources?.requests ?? {};
  return items
    .filter((item) => item.type === "PersistentVolumeClaim")
    .flatMap((item) => check(item, requests, {}));
}

/** One item against what is asked for, in the original's words. */
function check(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  const { type } = item;
  const above = (a: string, b: string): boolean => compareQuantity(parseQuantity(a), parseQuantity(b)) > 0;
  const problems: string[] = [];
  for (const [name, least] of Object.entries(item.min ?? {})) {
    const head = `minimum ${name} usage per ${type} is ${least}`;
    const request = requests[name];
    const limit = limits[name];
    if (request === undefined) problems.push(`${head}.  No request is specified`);
    else if (above(least, request)) problems.push(`${head}, but request is ${request}`);
    if (limit !== undefined && above(least, limit)) problems.push(`${head}, but limit is ${limit}`);
  }
  for (const [name, most] of Object.entries(item.max ?? {})) {
    const head = `maximum ${name} usage per ${type} is ${most}`;
    const request = requests[name];
    const limit = limits[name];
    if (type !== "PersistentVolumeClaim") {
      if (limit === undefined) problems.push(`${head}.  No limit is specified`);
      else if (above(limit, most)) problems.push(`${head}, but limit is ${limit}`);
    }
    if (request !== undefined && above(request, most)) problems.push(`${head}, but request is ${request}`);
  }
  for (const [name, ratio] of Object.entries(item.maxLimitRequestRatio ?? {})) {
    const head = `${name} max limit to request ratio per ${type} is ${ratio}`;
    const request = milliValue(requests[name] ?? "0");
    const limit = milliValue(limits[name] ?? "0");
    if (request === 0) problems.push(`${head}, but no request is specified or request is 0`);
    else if (limit === 0) problems.push(`${head}, but no limit is specified or limit is 0`);
    else if (limit / request > milliValue(ratio) / 1000) {
      problems.push(`${head}, but provided ratio is ${(limit / request).toFixed(6)}`);
    }
  }
  return problems;
}
