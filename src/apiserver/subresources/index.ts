import type { Call } from "../core.ts";
import type { ServedResource } from "../registry/resource.ts";
import type { Answer } from "../response.ts";
import { get } from "../verbs/get.ts";
import { patch } from "../verbs/patch.ts";
import { update } from "../verbs/update.ts";
import { bindPod } from "./binding.ts";
import { evict } from "./eviction.ts";
import { scale } from "./scale.ts";

type Serve = (call: Call) => Promise<Answer>;

export interface Served {
  /** Other methods are not supported. */
  verbs: readonly string[];
  serve: Serve;
}

/** The same object with the strategy of the subresource (see strategies.ts). */
const partOfObject: Served = {
  verbs: ["get", "update", "patch"],
  serve: (call) => {
    const { verb } = call.info;
    return verb === "get" ? get(call) : verb === "update" ? update(call) : patch(call);
  },
};

const only = (verb: string, serve: Serve): Served => ({ verbs: [verb], serve });

/** The verbs of a subresource of a stored resource; undefined when there is none. */
export function subresources({ def }: ServedResource, name: string): Served | undefined {
  if (name === "status") return def.status ? partOfObject : undefined;
  if (name === "scale") return def.scale ? { verbs: partOfObject.verbs, serve: scale } : undefined;
  if (!def.subresources?.includes(name)) return undefined;
  // Update is the only verb.
  if (name === "finalize") return only("update", update);
  if (def.subresourceStrategies?.[name]) return partOfObject;
  if (name === "binding") return only("create", bindPod);
  return name === "eviction" ? only("create", evict) : undefined;
}
