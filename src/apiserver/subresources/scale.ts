import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import { get as valueAt, isObject, selectorFromObject, StatusError } from "../../machinery/index.ts";
import { admitWrite } from "../admission/admit.ts";
import { admissionOf, writeOptions } from "../admission/request.ts";
import type { Entry } from "../cache/entry.ts";
import { asObject, decodeBody } from "../codec/decode.ts";
import type { Call } from "../core.ts";
import { badRequest, invalid, methodNotAllowed, notFound } from "../errors.ts";
import { ownersOfPart } from "../managed-fields/unstored.ts";
import type { Answer } from "../response.ts";
import { encoded, withWarnings } from "../verbs/output.ts";
import { readPatch } from "../verbs/patch.ts";
import { unusable } from "../verbs/unusable.ts";
import { updateObject } from "../verbs/update.ts";

const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" };
const scales = { ...scaleKind, plural: "scales" };

interface Scale extends KubeObject {
  spec?: { replicas?: unknown };
  status?: { replicas: number; selector?: string };
}

/** autoscaling/v1 Scale as a view of an object: reading and writing spec.replicas alone. */
export async function scale(call: Call): Promise<Answer> {
  const { resource, info, request } = call;
  if (info.verb === "get") {
    const stored = resource.cache.get(resource.key(info.namespace, info.name));
    if (!stored) throw notFound(resource.def, info.name);
    const entry = resource.view ? await resource.view.of(stored) : stored;
    requireReplicas(call, entry);
    return answer(call, entry);
  }
  let change: (scale: Scale) => unknown;
  if (info.verb === "update") {
    const decoded = decodeBody(request.body, request.headers?.["content-type"]);
    const given = isObject(decoded?.value) ? decoded.value.metadata : undefined;
    if (!isObject(given) || !given.name)
      throw badRequest(
        `the name of the object (${info.name} based on URL) was undeterminable: name must be provided`,
      );
    change = () => structuredClone(decoded?.value);
  } else if (info.verb === "patch") {
    const { apply } = readPatch(call);
    change = (scale) => apply(scale).object;
  } else throw methodNotAllowed();
  const entry = await updateObject(
    {
      ...call,
      info: { ...info, subresource: "" },
      managedAs: "scale",
      seenAs: (object, old) => ({
        object: scaleOf(call, { object }),
        oldObject: scaleOf(call, { object: old }),
        subresource: "scale",
        kind: scaleKind,
      }),
    },
    async (existing) => {
      const before = scaleOf(call, existing);
      const after = asObject(change(before), scales) as Scale;
      const meta = after.metadata as ObjectMeta;
      if (meta.name && meta.name !== info.name) {
        throw badRequest(
          `the name of the object (${meta.name}) does not match the name on the URL (${info.name})`,
        );
      }
      const given = after.spec?.replicas ?? 0;
      if (!Number.isInteger(given)) {
        const problem = `json: cannot unmarshal ${typeof given} into Go struct field ScaleSpec.spec.replicas of type int32`;
        if (info.verb === "patch") throw unusable(JSON.stringify(after), problem);
        throw badRequest(`Scale in version "v1" cannot be handled as a Scale: ${problem}`);
      }
      await admit(call, existing.object, before, after);
      const replicas = after.spec?.replicas ?? 0;
      if ((replicas as number) < 0 && resource.def.type) {
        const field = `.${resource.def.scale?.specReplicasPath}`;
        const message = `Invalid value: ${replicas}: should be a non-negative integer`;
        throw invalid(resource.def, info.name, [{ reason: "FieldValueInvalid", field, message }]);
      }
      if ((replicas as number) < 0) {
        throw invalid(scales, info.name, [
          {
            reason: "FieldValueInvalid",
            field: "spec.replicas",
            message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
          },
        ]);
      }
      const object = existing.copy();
      setAt(object, resource.def.scale?.specReplicasPath ?? "spec.replicas", replicas);
      // A Scale that carries a version pins the write to it.
      if (info.verb === "update" && meta.resourceVersion)
        (object.metadata as ObjectMeta).resourceVersion = meta.resourceVersion;
      return object;
    },
  );
  return answer(call, entry);
}

/** Admission sees the Scale, not what is scaled; its owners are those of the number in the object. */
async function admit(call: Call, whole: KubeObject, before: Scale, after: Scale): Promise<void> {
  const { core, info } = call;
  const path = call.resource.def.scale?.specReplicasPath ?? "spec.replicas";
  // The new one may share members with it.
  const oldObject = structuredClone(before);
  ownersOfPart(call, { whole, path, before: oldObject, after }, scaleKind);
  const request = admissionOf(call, {
    operation: "UPDATE",
    subresource: "scale",
    kind: scaleKind,
    namespace: info.namespace,
    name: info.name,
    object: after,
    oldObject,
    options: writeOptions("UpdateOptions", info),
  });
  await admitWrite(core, request);
}

/** A custom resource without the number cannot be shown as a Scale. */
function requireReplicas({ resource }: Call, entry: Entry): void {
  const path = resource.def.scale?.specReplicasPath ?? "";
  if (!resource.def.type || valueAt(entry.object, path) !== undefined) return;
  const why = `the spec replicas field ".${path}" does not exist`;
  throw new StatusError("InternalError", `Internal error occurred: ${why}`, {
    details: { causes: [{ message: why }] },
  });
}

function answer(call: Call, entry: Entry): Answer {
  return withWarnings(call, encoded(200, scaleOf(call, entry), { ...call.target, as: "object" }));
}

function scaleOf({ resource }: Call, entry: Pick<Entry, "object">): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = entry.object.metadata ?? {};
  const paths = resource.def.scale;
  const selector = paths?.selectorPath ? valueAt(entry.object, paths.selectorPath) : undefined;
  const text = typeof selector === "string" ? selector : isObject(selector) ? selectorString(selector) : "";
  const replicas = paths ? ((valueAt(entry.object, paths.specReplicasPath) as number) ?? 0) : 0;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ObjectMeta,
    // Zero is left out, as Go leaves it out.
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: paths ? ((valueAt(entry.object, paths.statusReplicasPath) as number) ?? 0) : 0,
      ...(text === "" ? {} : { selector: text }),
    },
  };
}

function selectorString(selector: Record<string, unknown>): string {
  // A ReplicationController's selector is a plain map.
  const plain = !("matchLabels" in selector) && !("matchExpressions" in selector);
  return selectorFromObject(
    plain ? { matchLabels: selector as Record<string, string> } : selector,
  ).toString();
}

function setAt(object: object, path: string, value: unknown): void {
  const names = path.split(".").filter((name) => name !== "");
  const last = names.pop() as string;
  let current = object as Record<string, unknown>;
  for (const name of names) {
    if (!isObject(current[name])) current[name] = {};
    current = current[name] as Record<string, unknown>;
  }
  current[last] = value;
}
