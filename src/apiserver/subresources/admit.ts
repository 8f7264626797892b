import type { KubeObject } from "../../api/index.ts";
import type { AdmissionRequest } from "../admission/chain.ts";
import type { Call } from "../core.ts";

/** Admission of what is created below an object without being stored itself: a Binding, an Eviction. */
export async function admitSubresource(call: Call, object: KubeObject): Promise<void> {
  const { core, resource, info, user, dryRun, warnings } = call;
  const request: AdmissionRequest = {
    operation: "CREATE",
    resource,
    info,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    object,
    oldObject: undefined,
    user,
    dryRun,
    warnings,
    audit: call.request.audit,
  };
  await core.admission.admit(request);
  await core.admission.validate(request);
}
