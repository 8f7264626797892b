/** Whether a path leads to an endpoint, and whether that takes the method. */
import type { KindDefinition } from "../api/index.ts";
import type { RequestInfo, SpecialHandler } from "./contract.ts";
import { methodNotAllowed, noResource } from "./errors.ts";
import { PageError } from "./response.ts";

/** Methods that proxies pass on. */
const proxied = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Of a stored resource. Throws 404 and 405. */
export function checkPlace(def: KindDefinition, method: string, info: RequestInfo): void {
  const { verb, namespace, name, subresource } = info;
  // Custom resources are 404 in the wrong scope.
  const across = verb === "list" || verb === "watch";
  if (def.type && (def.namespaced ? namespace === "" && !across : namespace !== ""))
    throw new PageError(404, "404 page not found\n");
  if (name !== "" && subresource === "" && !def.verbs.includes("get")) throw noResource();
  const own = def.group === "" && def.plural === "namespaces";
  // A Namespace may be named below its own path, but not a list of namespaces.
  if (!def.namespaced && namespace !== "" && !(own && name === namespace)) throw noResource();
  if (subresource !== "" && name === "") throw noResource();
  if (verb === "proxy") throw noResource();
  if (def.namespaced && namespace === "") {
    // Namespaced objects are written through their namespace; across namespaces they can only be listed and watched.
    if (name !== "" || !def.verbs.includes("list")) throw noResource();
    if (!across) throw methodNotAllowed();
  }
  if (verb === "watch") {
    // The old path; nothing that was asked for in a list comes here without the verb.
    const byPath = info.query.get("watch") === null;
    if (subresource !== "" || (byPath && !def.verbs.includes("watch"))) throw noResource();
    if (method !== "GET") throw methodNotAllowed();
  }
}

/** Of what a special handler serves. Throws 404 and 405. */
export function checkSpecialPlace(special: SpecialHandler, method: string, info: RequestInfo): void {
  // The old path of a watch; a list that asks for one is only the wrong method.
  const watchPath = info.verb === "watch" && info.query.get("watch") === null;
  if (info.subresource === "" && (info.name !== "" || watchPath)) throw noResource();
  if (special.namespaced === (info.namespace === "")) throw noResource();
  const takes = special.anyMethod
    ? proxied.has(method)
    : method !== "HEAD" && special.verbs.includes(info.verb);
  if (!takes) throw methodNotAllowed();
}
