import type { LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from "../../api/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { refuse } from "./refuse.ts";
import { claimProblems, podProblems } from "./limit-checks.ts";

const annotation = "kubernetes.io/limit-ranger";

type Amounts = Record<string, string>;

/** LimitRanger: fills a container's requests and limits from its namespace's LimitRanges, and holds pods and claims to them. */
export function limitRanger({ caches }: PluginContext): AdmissionPlugin {
  const ranges = ({ namespace, oldObject }: AdmissionRequest): readonly LimitRange[] =>
    // Objects under deletion are not checked.
    oldObject?.metadata?.deletionTimestamp ? [] : caches.list<LimitRange>("", "limitranges", namespace);
  return {
    name: "LimitRanger",
    admit(request) {
      const pod = limitedPod(request);
      if (!pod) return;
      for (const range of ranges(request)) fillDefaults(pod, range.spec?.limits ?? []);
    },
    validate(request) {
      const pod = limitedPod(request);
      const claim = pod ? undefined : limitedClaim(request);
      if (!pod && !claim) return;
      for (const range of ranges(request)) {
        const items = range.spec?.limits ?? [];
        const found = pod ? podProblems(pod, items) : claim ? claimProblems(claim, items) : [];
        const problems = [...new Set(found)];
        if (problems.length === 0) continue;
        const text = problems.length === 1 ? (problems[0] ?? "") : `[${problems.join(", ")}]`;
        throw refuse(request, text);
      }
    },
  };
}

/** Resources of a pod are set at its creation, and by a resize. */
function limitedPod({ resource, object, subresource, operation }: AdmissionRequest): Pod | undefined {
  if (resource.def.group !== "" || resource.def.kind !== "Pod") return undefined;
  const creates = operation === "CREATE" && subresource === "";
  const resizes = operation === "UPDATE" && subresource === "resize";
  return creates || resizes ? (object as Pod) : undefined;
}

function limitedClaim({
  resource,
  object,
  subresource,
  operation,
}: AdmissionRequest): PersistentVolumeClaim | undefined {
  const isClaim = resource.def.group === "" && resource.def.kind === "PersistentVolumeClaim";
  const writes = operation === "CREATE" || operation === "UPDATE";
  return isClaim && subresource === "" && writes ? (object as PersistentVolumeClaim) : undefined;
}

/** Within one range the last item wins; earlier ranges win over later ones. */
function fillDefaults(pod: Pod, items: readonly LimitRangeItem[]): void {
  const own = items.filter((item) => item.type === "Container");
  const defaults: Amounts = Object.assign({}, ...own.map((item) => item.default ?? {}));
  const defaultRequests: Amounts = Object.assign({}, ...own.map((item) => item.defaultRequest ?? {}));
  const notes: string[] = [];
  for (const [kind, containers] of [
    ["container", pod.spec?.containers ?? []],
    ["init container", pod.spec?.initContainers ?? []],
  ] as const) {
    for (const container of containers) {
      const resources = (container.resources ??= {});
      const requests = merge(resources.requests, defaultRequests);
      const limits = merge(resources.limits, defaults);
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

function merge(given: Amounts | undefined, defaults: Amounts): { amounts: Amounts; added: string[] } {
  const added = Object.keys(defaults).filter((name) => given?.[name] === undefined);
  return { amounts: { ...defaults, ...given }, added: added.sort() };
}
