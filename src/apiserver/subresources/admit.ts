import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import { admitWrite } from "../admission/admit.ts";
import type { GroupVersionKind } from "../admission/chain.ts";
import { admissionOf, writeOptions } from "../admission/request.ts";
import type { Call } from "../core.ts";
import { ownersOfNew } from "../managed-fields/unstored.ts";

/**
 * Admission of objects that are created but not stored: a Binding, an Eviction, a review. `check`: validates the object before
 * validating admission; throws its errors.
 */
export async function admitSubresource(
  call: Omit<Call, "target">,
  object: KubeObject,
  { group, version, kind }: GroupVersionKind,
  check?: (object: KubeObject) => void | Promise<void>,
): Promise<void> {
  const { core, info } = call;
  const meta = object.metadata as ObjectMeta;
  if (info.namespace !== "") meta.namespace ??= info.namespace;
  ownersOfNew(call, object, { group, version, kind });
  const request = admissionOf(call, {
    operation: "CREATE",
    subresource: info.subresource,
    kind: { group, version, kind },
    namespace: info.namespace,
    name: info.name,
    object,
    options: writeOptions("CreateOptions", info),
  });
  await admitWrite(core, request);
  await check?.(object);
  await core.admission.validate(request);
}
