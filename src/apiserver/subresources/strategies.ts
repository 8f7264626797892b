import type { KubeObject, ObjectMeta, Strategy } from "../../api/index.ts";
import { deepClone } from "../../machinery/index.ts";
import { noResource } from "../errors.ts";
import type { ServedResource } from "../registry/resource.ts";

interface Held extends KubeObject {
  spec?: { finalizers?: string[] };
  status?: unknown;
}

/** /finalize of a namespace changes only finalizers: those of spec and metadata. */
const finalize: Strategy = {
  prepareForUpdate(object, old) {
    const namespace = object as Held;
    const before = deepClone(old) as Held;
    const given = namespace.metadata as ObjectMeta;
    namespace.metadata = { ...before.metadata };
    for (const member of ["resourceVersion", "finalizers"] as const) {
      if (given[member] === undefined) delete namespace.metadata[member];
      else (namespace.metadata as Record<string, unknown>)[member] = given[member];
    }
    namespace.spec = { ...before.spec, finalizers: namespace.spec?.finalizers ?? [] };
    namespace.status = before.status;
  },
};

/** The strategy of writes through this subresource. Throws 404 when there is none. */
export function strategyOf({ def }: ServedResource, subresource: string): Strategy {
  const found =
    subresource === ""
      ? def.strategy
      : subresource === "status"
        ? def.status
        : (def.subresourceStrategies?.[subresource] ?? (subresource === "finalize" ? finalize : undefined));
  if (!found) throw noResource();
  return found;
}
