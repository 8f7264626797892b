import { convert, type KubeObject, type ObjectMeta, type Parts, restorable } from "../../api/index.ts";
import {
  cloneExact,
  compactText,
  deepClone,
  deepEqual,
  eachRaw,
  isObject,
  keepRawText,
  knownRawText,
  madeText,
  settleRaw,
  stringifyAsWritten,
} from "../../machinery/index.ts";
import { refuseDepths } from "../codec/body-limits.ts";
import { applyType, mediaType } from "../codec/media-type.ts";
import type { Call } from "../core.ts";
import type { Answer } from "../response.ts";
import { serverSideApply } from "./apply.ts";
import { conformed, judged } from "./input.ts";
import { objectAnswer } from "./output.ts";
import { asFound, type ReadObject, readPatched } from "./patched.ts";
import { readPatch } from "./read-patch.ts";
import { unusable } from "./unusable.ts";
import { updateObject } from "./update.ts";
import { checkWhereabouts } from "./whereabouts.ts";
import { workingCopy } from "./working-copy.ts";

export async function patch(call: Call): Promise<Answer> {
  const { resource, request } = call;
  const { def } = resource;
  if (mediaType(request.headers?.["content-type"]) === applyType) return serverSideApply(call);
  const read = readPatch(call);
  const entry = await updateObject(call, (existing, parts) => {
    // Raw fields keep all numbers as they were written.
    const { object: made, shown } = read.apply(
      def.rawFields ? resource.reread(existing) : resource.object(existing),
    );
    const owners = existing.object.metadata?.managedFields;
    // A patch may change the kind: the result is read as that kind, in place.
    const same = isOfKind(made, existing.object) ? parts : undefined;
    const object =
      shown === undefined
        ? decoded(
            call,
            workingCopy(made, owners, cloneExact, same),
            read.strict,
            same,
            () => read.apply(asFound(def, resource.json(existing)), true).object,
          )
        : restored(call, made as KubeObject, owners, read.strict, shown, same);
    if (def.rawFields) {
      if (shown === undefined) retell(def.rawFields, made, object);
      // A strategic merge works on values.
      else settleRaw(def.rawFields, object);
    }
    if (read.cut !== undefined) refuseDepths(object, read);
    if (!isObject(object.metadata)) object.metadata = {};
    checkWhereabouts(call, object);
    if (owners && deepEqual(object.metadata?.managedFields, owners))
      (object.metadata as ObjectMeta).managedFields = owners;
    def.storedAs?.toStored(object);
    def.defaults?.(object, call.core.clock, same);
    return object;
  });
  return objectAnswer(call, 200, entry);
}

const isOfKind = (made: unknown, { kind, apiVersion }: KubeObject): boolean =>
  isObject(made) && made.kind === kind && made.apiVersion === apiVersion;

/**
 * The texts of raw fields after a JSON or merge patch. Like in Kubernetes they have been parsed and written again: members are
 * sorted where something changed.
 */
function retell(rawFields: readonly string[], made: unknown, object: KubeObject): void {
  eachRaw(rawFields, made, object, (value, target) => {
    if (!isObject(target)) return;
    const known = knownRawText(value);
    keepRawText(target, known === undefined ? madeText(value, true) : compactText(known));
  });
}

/** Reads the result of a JSON or merge patch. `show` makes it again, in the order in which errors show it. */
function decoded(
  call: Call,
  made: unknown,
  strict: readonly string[],
  same: Parts | undefined,
  show: () => unknown,
): KubeObject {
  const { core, resource, info, warnings } = call;
  const shown = (): string => stringifyAsWritten(show());
  const read = (value: unknown): ReadObject => readPatched(core.registry, resource.def, value, shown, same);
  const { object, ...first } = read(made);
  const found = first.problem || first.unknown.length > 1 ? read(cloneExact(show())) : first;
  const refused = judged(found, info, undefined, warnings, strict);
  if (refused) throw unusable(shown(), refused);
  return object;
}

/** Reads the result of a strategic merge patch; errors show the patch. The kind cannot change. */
function restored(
  call: Call,
  made: KubeObject,
  owners: ObjectMeta["managedFields"],
  strict: readonly string[],
  shown: string,
  same: Parts | undefined,
): KubeObject {
  const { resource, info, warnings } = call;
  const { schema, kind } = resource.def;
  const { conversions, ...found } = restorable(schema, made, same);
  const unfit = judged(found, info, undefined, warnings, strict);
  if (unfit) throw unusable(shown, unfit);
  const object = workingCopy(made, owners, deepClone, same) as KubeObject;
  convert(object, conversions);
  Object.assign(object, { kind, apiVersion: resource.apiVersion });
  const { problem } = conformed(resource.def, object, undefined, same);
  if (problem) throw unusable(shown, problem);
  return object;
}
