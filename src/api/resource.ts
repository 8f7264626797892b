/** resource.k8s.io: dynamic resource allocation, as data. */
import { ageColumn, column, nameColumn } from "./columns.ts";
import type { KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";
import { immutableSpec, validateClaimSpec, validateSlice } from "./resource-rules.ts";
import type {
  DeviceClass,
  ResourceClaimTemplate,
  ResourceSlice,
  ResourceV1ResourceClaim,
} from "./generated/types.ts";

const define = kindsOf("resource.k8s.io", "v1", "io.k8s.api.resource.v1");

function state(claim: ResourceV1ResourceClaim): string {
  const parts: string[] = [];
  if (claim.metadata?.deletionTimestamp) parts.push("deleted");
  if (!claim.status?.allocation) {
    if (parts.length === 0) parts.push("pending");
  } else {
    parts.push("allocated");
    if (claim.status.reservedFor?.length) parts.push("reserved");
  }
  return parts.join(",");
}

/** One device, unless a request says otherwise. */
function defaultClaim(spec: ResourceV1ResourceClaim["spec"] | undefined): void {
  for (const { exactly, firstAvailable = [] } of spec?.devices?.requests ?? []) {
    for (const request of exactly ? [exactly, ...firstAvailable] : firstAvailable) {
      request.allocationMode ||= "ExactCount";
      if (request.allocationMode === "ExactCount") request.count ||= 1;
    }
  }
}

export const resourceKinds: readonly KindDefinition[] = [
  define<DeviceClass>({
    kind: "DeviceClass",
    plural: "deviceclasses",
    namespaced: false,
    generation: true,
    metaRules: { generated: false },
    onUpdate: ["metadata", "metadataChange", "object"],
    columns: [nameColumn, ageColumn],
  }),
  define<ResourceV1ResourceClaim>({
    kind: "ResourceClaim",
    plural: "resourceclaims",
    status: true,
    statusKeepsMetadata: true,
    defaults: (claim) => defaultClaim(claim.spec),
    onUpdate: ["metadata", "metadataChange", "change"],
    validate: (claim) => validateClaimSpec(claim.spec, "spec"),
    validateUpdate: (claim, old) => immutableSpec(claim.spec, old.spec),
    columns: [nameColumn, column<ResourceV1ResourceClaim>("State", "string", state), ageColumn],
  }),
  define<ResourceClaimTemplate>({
    kind: "ResourceClaimTemplate",
    plural: "resourceclaimtemplates",
    defaults: (template) => defaultClaim(template.spec?.spec),
    onUpdate: ["metadata", "object", "metadataChange", "change"],
    validate: (template) => validateClaimSpec(template.spec?.spec, "spec.spec"),
    validateUpdate: (template, old) => immutableSpec(template.spec, old.spec),
    columns: [nameColumn, ageColumn],
  }),
  define<ResourceSlice>({
    kind: "ResourceSlice",
    plural: "resourceslices",
    namespaced: false,
    generation: true,
    onUpdate: ["metadataChange", "object"],
    validate: validateSlice,
    columns: [
      nameColumn,
      column<ResourceSlice>("Node", "string", (each) => each.spec?.nodeName || "<unset>"),
      column<ResourceSlice>("Driver", "string", (each) => each.spec?.driver ?? ""),
      column<ResourceSlice>("Pool", "string", (each) => each.spec?.pool?.name ?? ""),
      ageColumn,
    ],
    selectableFields: {
      "spec.nodeName": (each) => each.spec?.nodeName ?? "",
      "spec.driver": (each) => each.spec?.driver ?? "",
    },
  }),
];
