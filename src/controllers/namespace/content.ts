import type { KubeObject } from "../../api/index.ts";
import type { Client, ResourceClient } from "../../client/index.ts";
import { isReason } from "../../machinery/index.ts";
import { discover, type DiscoveredResource } from "../discovery.ts";
import { ignoreMissing } from "../failures.ts";
import type { Obstacles } from "./conditions.ts";

export interface Emptied {
  obstacles: Obstacles;
  /** Nothing is left, and all resources were listed. */
  empty: boolean;
}

const isPods = ({ group, plural }: DiscoveredResource): boolean => group === "" && plural === "pods";
const can = ({ verbs }: DiscoveredResource, verb: string): boolean => verbs.includes(verb);

/** Deletes a namespace's content, pods first (KEP 5080), and returns what remains. */
export async function emptyNamespace(
  client: Client,
  namespace: string,
  signal: AbortSignal,
): Promise<Emptied> {
  const { resources, failures } = await discover(client.transport, signal);
  const all = resources.filter((each) => each.namespaced && can(each, "list") && can(each, "delete"));
  const content: string[] = [];
  const remaining: Obstacles["remaining"][number][] = [];
  const finalizers = new Map<string, number>();

  const clear = async (resource: DiscoveredResource): Promise<number> => {
    const { group, version, plural } = resource;
    const access = client.resource(group, version, plural);
    try {
      if ((await look(access, 1)).length === 0) return 0;
      await remove(resource, access);
      const left = await look(access);
      if (left.length === 0) return 0;
      remaining.push({ resource: plural, group, count: left.length });
      for (const object of left) {
        for (const name of object.metadata?.finalizers ?? [])
          finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
      }
      return left.length;
    } catch (error) {
      // No longer served: a custom resource whose definition was deleted first.
      if (isReason(error, "NotFound") || isReason(error, "MethodNotAllowed")) return 0;
      content.push((error as Error).message);
      return 1;
    }
  };
  const look = async (access: ResourceClient, limit?: number): Promise<KubeObject[]> =>
    (await access.list(namespace, { limit, signal })).items;
  const remove = async (resource: DiscoveredResource, access: ResourceClient): Promise<void> => {
    const background = { propagationPolicy: "Background" as const, signal };
    if (can(resource, "deletecollection")) {
      await access.deleteCollection(namespace, background);
      return;
    }
    for (const object of await look(access)) {
      await ignoreMissing(access.delete(namespace, object.metadata?.name ?? "", background));
    }
  };

  const pods = all.find(isPods);
  const podsLeft = pods ? await clear(pods) : 0;
  if (podsLeft > 0) {
    // Pods may still use their ConfigMaps, Services, ServiceAccounts.
    content.push(`unexpected items still remain in namespace: ${namespace} for gvr: /v1, Resource=pods`);
  } else await Promise.all(all.filter((each) => !isPods(each)).map(clear));
  const obstacles = { discovery: failures, content, remaining, finalizers };
  return { obstacles, empty: remaining.length === 0 && content.length === 0 && failures.length === 0 };
}
