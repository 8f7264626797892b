import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import { admitWrite } from "../admission/admit.ts";
import type { GroupVersionKind } from "../admission/chain.ts";
import { admissionOf, writeOptions } from "../admission/request.ts";
import type { Call } from "../core.ts";
import { ownersOfNew } from "../managed-fields/unstored.ts";

/** Admission of what is created below an object without being stored itself: a Binding, an Eviction. */
export async function admitSubresource(
  call: Call,
  object: KubeObject,
  { group, version, kind }: GroupVersionKind,
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
  await core.admission.validate(request);
}
