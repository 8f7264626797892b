/** The objects that a binding gives to a policy. */
import type { KubeObject, ParamKind, ParamRef } from "../../../api/index.ts";
import { selectorFromObject } from "../../../machinery/index.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ServedResource } from "../../registry/resource.ts";

export function paramResource(registry: Registry, kind: ParamKind): ServedResource | undefined {
  const [first = "", second] = (kind.apiVersion ?? "").split("/");
  const [group, version] = second === undefined ? ["", first] : [first, second];
  for (const resource of registry.all()) {
    const { def } = resource;
    if (def.group === group && def.version === version && def.kind === kind.kind) return resource;
  }
  return undefined;
}

/** A text is why the binding cannot be used. */
export function paramsOf(
  resource: ServedResource,
  ref: ParamRef,
  requestNamespace: string,
): readonly KubeObject[] | string {
  const { namespaced } = resource.def;
  if (ref.namespace && !namespaced)
    return "paramRef.namespace must not be provided for a cluster-scoped `paramKind`";
  const namespace = namespaced ? ref.namespace || requestNamespace : "";
  if (namespaced && namespace === "")
    return "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources";
  const found: KubeObject[] = [];
  if (ref.name) {
    const entry = resource.cache.get(resource.key(namespace, ref.name));
    if (entry) found.push(resource.shown(entry.object));
  } else if (ref.selector) {
    const selector = selectorFromObject(ref.selector);
    for (const entry of resource.cache.list(namespace))
      if (entry.namespace === namespace && selector.matches(entry.object.metadata?.labels ?? {}))
        found.push(resource.shown(entry.object));
  }
  if (found.length === 0 && ref.parameterNotFoundAction === "Deny")
    return "no params found for policy binding with `Deny` parameterNotFoundAction";
  return found;
}
