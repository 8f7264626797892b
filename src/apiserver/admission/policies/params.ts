/** The params of a binding. */
import type { KubeObject, ParamKind, ParamRef } from "../../../api/index.ts";
import { selectorFromObject } from "../../../machinery/index.ts";
import type { Entry } from "../../cache/entry.ts";
import { ConversionError } from "../../conversion/review.ts";
import { Pending } from "../../pending.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ServedResource } from "../../registry/resource.ts";
import { internal } from "../change.ts";

export function paramResource(registry: Registry, kind: ParamKind): ServedResource | undefined {
  const [first = "", second] = (kind.apiVersion ?? "").split("/");
  const [group, version] = second === undefined ? ["", first] : [first, second];
  for (const resource of registry.all()) {
    const { def } = resource;
    if (def.group === group && def.version === version && def.kind === kind.kind) return resource;
  }
  return undefined;
}

function objectsOf(resource: ServedResource, ref: ParamRef, namespace: string): KubeObject[] {
  if (ref.name) {
    const entry = resource.cache.get(resource.key(namespace, ref.name));
    return entry ? shown(resource, [entry]) : [];
  }
  if (!ref.selector) return [];
  const selector = selectorFromObject(ref.selector);
  const entries = resource.cache.list(namespace).filter((entry) => entry.namespace === namespace);
  return shown(resource, entries).filter(({ metadata }) => selector.matches(metadata?.labels ?? {}));
}

/** In the policy's version of the kind. */
function shown(resource: ServedResource, entries: readonly Entry[]): KubeObject[] {
  const { view } = resource;
  if (!view) return entries.map((entry) => resource.object(entry));
  return entries.map((entry) => {
    const known = view.known(entry);
    if (known) return known.object;
    throw new Pending(view.all(entries).then(() => {}, unconverted));
  });
}

function unconverted(cause: unknown): never {
  throw cause instanceof ConversionError ? internal(cause.message, cause) : cause;
}

/** Returns a text when the binding is misconfigured. Throws Pending when a webhook has to convert. */
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
  const found = objectsOf(resource, ref, namespace);
  if (found.length === 0 && ref.parameterNotFoundAction === "Deny")
    return "no params found for policy binding with `Deny` parameterNotFoundAction";
  return found;
}
