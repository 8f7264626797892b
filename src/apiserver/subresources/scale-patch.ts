/** Patches of a Scale, decoded like those of other objects: errors of a strategic merge show the patch, others the Scale. */
import {
  type Conformance,
  conform,
  convert,
  inGoOrder,
  type KubeObject,
  type ObjectMeta,
  restorable,
} from "../../api/index.ts";
import { cloneExact, stringifyAsWritten } from "../../machinery/index.ts";
import { asObject, internalName, notRegistered } from "../codec/type-meta.ts";
import type { Call } from "../core.ts";
import { setManagers } from "../managed-fields/ownership.ts";
import { judged } from "../verbs/input.ts";
import { type ReadPatch, readPatch } from "../verbs/read-patch.ts";
import { unusable } from "../verbs/unusable.ts";
import { type OwnedScale, type ScaleChange, tracked } from "./scale-changes.ts";
import { type Scale, scaleKind, scales, scaleSchema, scaleVersion } from "./scale-object.ts";

export function patchOfScale(call: Call): ScaleChange {
  const patch = readPatch(call);
  return (seen) => {
    const { object, shown } = patch.apply(structuredClone(seen.scale));
    const after =
      shown === undefined
        ? decoded(call, patch, seen, object)
        : restored(call, patch, object as KubeObject, shown);
    return { scale: after, owners: tracked(call, seen, after) };
  };
}

/** The result of a JSON or merge patch. */
function decoded(call: Call, patch: ReadPatch, seen: OwnedScale, made: unknown): Scale {
  const { resource, info, warnings } = call;
  const misnamed = resource.def.type ? undefined : wrongName(call, made);
  const after = (misnamed === undefined ? asObject(made, scales) : made) as Scale;
  const found: Conformance = misnamed
    ? { unknown: [], problem: misnamed }
    : conform(scaleSchema, cloneExact(after));
  const refused = judged(found, info, undefined, warnings, patch.strict);
  if (refused) throw unusable(textOf(patch, seen), refused);
  conform(scaleSchema, after);
  return after;
}

/** Why the result is not a Scale. */
function wrongName({ core }: Call, made: unknown): string | undefined {
  const { kind, apiVersion } = made as Partial<Record<string, unknown>>;
  const names = [kind || scaleKind.kind, apiVersion || scaleVersion];
  if (!names.every((name): name is string => typeof name === "string")) return undefined;
  const [given, version] = names as [string, string];
  if (given === scaleKind.kind && version === scaleVersion) return undefined;
  if (!core.registry.knows(version, given)) return notRegistered(given, version);
  const short = version.slice(version.indexOf("/") + 1);
  return `converting (${short}.${given}) to (${internalName(scaleKind.group)}.${scaleKind.kind}): unknown conversion`;
}

/** The patched Scale with its owners, in Go's order. */
function textOf(patch: ReadPatch, { scale, owners }: OwnedScale): string {
  const whole = structuredClone(scale);
  setManagers((whole.metadata ??= {}) as ObjectMeta, owners);
  return stringifyAsWritten(patch.apply(inGoOrder(scaleSchema, whole) as KubeObject, true).object);
}

/** The result of a strategic merge patch, field by field. It cannot change the kind. */
function restored(call: Call, patch: ReadPatch, made: KubeObject, shown: string): Scale {
  const { conversions, ...found } = restorable(scaleSchema, made);
  const unfit = judged(found, call.info, undefined, call.warnings, patch.strict);
  if (unfit) throw unusable(shown, unfit);
  convert(made, conversions);
  Object.assign(made, { kind: scaleKind.kind, apiVersion: scaleVersion });
  const { problem } = conform(scaleSchema, made);
  if (problem) throw unusable(shown, problem);
  return made as Scale;
}
