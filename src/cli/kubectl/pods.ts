import type { KubeObject, Pod } from "../../api/index.ts";
import { selectorFromObject } from "../../machinery/index.ts";
import type { Context } from "./command.ts";
import { pathOf } from "./mapper.ts";

/** The pod of an argument: its name, `pod/NAME`, or `TYPE/NAME` for the best pod of that object. */
export async function podOf(context: Context, word: string, sayWhich = false): Promise<Pod> {
  const { session, mapper } = context;
  const pods = await mapper.require("pods");
  const [type, name] = word.includes("/") ? (word.split("/", 2) as [string, string]) : ["pods", word];
  const resource = await mapper.require(type);
  if (resource.plural === "pods") return session.get<Pod>(pathOf(pods, session.namespace, name));
  const owner = await session.get<KubeObject & { spec?: { selector?: Record<string, unknown> } }>(
    pathOf(resource, resource.namespaced ? session.namespace : undefined, name),
  );
  const selector = owner.spec?.selector;
  if (!selector) throw new Error(`cannot attach to ${resource.kind}: it selects no pods`);
  // Services and ReplicationControllers have a map as selector.
  const plain = owner.kind === "Service" || owner.kind === "ReplicationController";
  const matcher = selectorFromObject(plain ? { matchLabels: selector as Record<string, string> } : selector);
  const list = await session.get<{ items: Pod[] }>(pathOf(pods, session.namespace));
  const found = list.items.filter((pod) => matcher.matches(pod.metadata?.labels ?? {}));
  const best = found.sort((a, b) => rank(a) - rank(b))[0];
  if (!best) throw new Error(`no pods found for ${word}`);
  if (sayWhich && found.length > 1)
    context.io.err(`Found ${found.length} pods, using pod/${best.metadata?.name}\n`);
  return best;
}

const rank = (pod: Pod): number =>
  (pod.metadata?.deletionTimestamp ? 4 : 0) +
  (pod.status?.phase === "Running" ? 0 : 2) +
  (pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ? 0 : 1);

/** Throws when the pod has no such container. */
export function knownContainer(pod: Pod, name: string): string {
  const kinds: [string, { name: string }[] | undefined][] = [
    ["", pod.spec?.containers],
    [" (init)", pod.spec?.initContainers],
    [" (ephem)", pod.spec?.ephemeralContainers],
  ];
  const all = kinds.flatMap(([note, list]) => (list ?? []).map((one) => ({ name: one.name, note })));
  if (all.some((one) => one.name === name)) return name;
  const names = all.map((one) => one.name + one.note).join(", ");
  throw new Error(`container ${name} is not valid for pod ${pod.metadata?.name} out of: ${names}`);
}

/** `-c`, the annotated default, or the first container (with a note when there are several). */
export function containerOf(context: Context, pod: Pod, named: string | undefined): string {
  if (named) return knownContainer(pod, named);
  const all = (pod.spec?.containers ?? []).map((container) => container.name);
  const preferred = pod.metadata?.annotations?.["kubectl.kubernetes.io/default-container"];
  if (preferred && all.includes(preferred)) return preferred;
  if (all.length > 1) context.io.err(`Defaulted container "${all[0]}" out of: ${all.join(", ")}\n`);
  return all[0] ?? "";
}
