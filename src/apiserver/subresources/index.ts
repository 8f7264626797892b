import type { Call } from "../core.ts";
import { methodNotAllowed } from "../errors.ts";
import type { ServedResource } from "../registry/resource.ts";
import type { Answer } from "../response.ts";
import { get } from "../verbs/get.ts";
import { patch } from "../verbs/patch.ts";
import { update } from "../verbs/update.ts";
import { bindPod } from "./binding.ts";
import { evict } from "./eviction.ts";
import { scale } from "./scale.ts";

type Serve = (call: Call) => Promise<Answer>;

/** The same object, through the narrower strategy of the subresource (see strategies.ts). */
const partOfObject: Serve = (call) => {
  switch (call.info.verb) {
    case "get":
      return get(call);
    case "update":
      return update(call);
    case "patch":
      return patch(call);
    default:
      throw methodNotAllowed();
  }
};

/** Only reads and writes that do not exist elsewhere: POST alone. */
const only =
  (verb: string, serve: Serve): Serve =>
  (call) => {
    if (call.info.verb !== verb) throw methodNotAllowed();
    return serve(call);
  };

/** Who serves a subresource of a stored resource; undefined when nobody does. */
export function subresources({ def }: ServedResource, name: string): Serve | undefined {
  if (name === "status") return def.status ? partOfObject : undefined;
  if (name === "scale") return def.scale ? scale : undefined;
  if (!def.subresources?.includes(name)) return undefined;
  if (name === "finalize") return only("update", update);
  if (def.subresourceStrategies?.[name]) return partOfObject;
  switch (name) {
    case "binding":
      return only("create", bindPod);
    case "eviction":
      return only("create", evict);
    default:
      return undefined;
  }
}
