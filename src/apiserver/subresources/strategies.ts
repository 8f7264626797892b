import { kinds, type KubeObject, type Strategy } from "../../api/index.ts";
import { deepClone } from "../../machinery/index.ts";
import { noResource } from "../errors.ts";
import type { ServedResource } from "../registry/resource.ts";

interface Loose extends KubeObject {
  spec?: Record<string, unknown>;
  [member: string]: unknown;
}

/** Everything is as it was, but for one member of spec. */
function keepAllBut(object: KubeObject, old: KubeObject, member: string): void {
  const to = object as Loose;
  const value = to.spec?.[member];
  for (const name of Object.keys(to)) if (name !== "metadata") delete to[name];
  const { metadata: _metadata, ...rest } = deepClone(old) as Loose;
  Object.assign(to, rest);
  const version = to.metadata?.resourceVersion;
  to.metadata = {
    ...deepClone(old.metadata),
    ...(version === undefined ? {} : { resourceVersion: version }),
  };
  const spec = { ...to.spec };
  if (value === undefined) delete spec[member];
  else spec[member] = value;
  to.spec = spec;
}

/** /finalize of a namespace changes spec.finalizers alone. */
const finalize: Strategy = {
  prepareForUpdate(object, old) {
    const { finalizers } = object.metadata ?? {};
    keepAllBut(object, old, "finalizers");
    if (object.metadata && finalizers) object.metadata.finalizers = finalizers;
  },
};

/** /ephemeralcontainers of a pod adds to spec.ephemeralContainers alone. */
const ephemeralContainers: Strategy = {
  prepareForUpdate(object, old) {
    keepAllBut(object, old, "ephemeralContainers");
    if (object.metadata?.generation !== undefined) object.metadata.generation++;
  },
  validateUpdate(object, old) {
    const pod = kinds.find((kind) => kind.group === "" && kind.kind === "Pod");
    const before = ((old as Loose).spec?.ephemeralContainers ?? []) as { name: string }[];
    const after = ((object as Loose).spec?.ephemeralContainers ?? []) as { name: string }[];
    const errors = pod?.strategy.validate?.(object) ?? [];
    for (const { name } of before) {
      if (after.some((each) => each.name === name)) continue;
      errors.push({
        reason: "FieldValueForbidden",
        field: "spec.ephemeralContainers",
        message: `Forbidden: existing ephemeral containers "${name}" may not be removed\n`,
      });
    }
    return errors;
  },
};

/** Which hooks a write through this subresource runs. Throws 404 when there is none. */
export function strategyOf({ def }: ServedResource, subresource: string): Strategy {
  switch (subresource) {
    case "":
      return def.strategy;
    case "status":
      if (def.status) return def.status;
      break;
    case "finalize":
      return finalize;
    case "ephemeralcontainers":
      return ephemeralContainers;
  }
  throw noResource();
}
