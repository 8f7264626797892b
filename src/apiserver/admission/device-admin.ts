/** DeviceAdminAccess: claims with admin access to devices are allowed only in namespaces that are labelled for it (KEP-5018). */
import type { FieldError, KubeObject, ResourceClaimSpec } from "../../api/index.ts";
import { claimStatusErrors } from "./claim-status.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import type { PluginContext } from "./context.ts";

const label = "resource.kubernetes.io/admin-access";

interface Claim extends KubeObject {
  spec?: ResourceClaimSpec & { spec?: ResourceClaimSpec };
  status?: { allocation?: { devices?: { results?: { adminAccess?: boolean }[] } } };
}

/** Path of the first field that asks for admin access; undefined when none does. */
function asked({
  operation,
  resource,
  subresource,
  object,
  oldObject,
}: AdmissionRequest): string | undefined {
  if (resource.def.group !== "resource.k8s.io") return undefined;
  const { plural } = resource.def;
  const claim = object as Claim;
  if (operation === "CREATE" && (plural === "resourceclaims" || plural === "resourceclaimtemplates")) {
    const spec = plural === "resourceclaims" ? claim.spec : claim.spec?.spec;
    const at = (spec?.devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess);
    return at < 0 ? undefined : `spec.devices.requests[${at}].adminAccess`;
  }
  if (operation !== "UPDATE" || plural !== "resourceclaims" || subresource !== "status") return undefined;
  const granted = (each: Claim): number =>
    (each.status?.allocation?.devices?.results ?? []).findIndex(({ adminAccess }) => adminAccess);
  const at = granted(claim);
  if (at < 0 || granted(oldObject as Claim) >= 0) return undefined;
  return `status.allocation.devices.results[${at}].adminAccess`;
}

/** Refuses admin access in namespaces without the label. */
function withoutLabel(request: AdmissionRequest, { caches }: PluginContext): FieldError[] {
  const field = asked(request);
  if (field === undefined) return [];
  const namespace = caches.get("", "namespaces", undefined, request.namespace);
  if (namespace?.metadata?.labels?.[label] === "true") return [];
  const message = `Forbidden: admin access to devices requires the \`${label}: true\` label on the containing namespace`;
  return [{ reason: "FieldValueForbidden", field, message }];
}

export function deviceAdminAccess(context: PluginContext): AdmissionPlugin {
  return {
    name: "DeviceAdminAccess",
    mistakes(request) {
      if (request.resource.def.group !== "resource.k8s.io") return undefined;
      return mistakes(request, context);
    },
  };
}

const mistakes = async (request: AdmissionRequest, context: PluginContext): Promise<FieldError[]> => [
  ...withoutLabel(request, context),
  ...(await claimStatusErrors(request, context.authorizer)),
];
