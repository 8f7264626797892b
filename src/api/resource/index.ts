/** resource.k8s.io: dynamic resource allocation, as data. */
import { type Clock, formatTime, isDns1123Subdomain } from "../../machinery/index.ts";
import { celReady } from "../cel-engine.ts";
import { ageColumn, column, nameColumn } from "../columns.ts";
import type { FieldError, KindDefinition } from "../definition.ts";
import type { KubeObject } from "../meta.ts";
import { kindsOf } from "../define.ts";
import { validateTemplateMeta } from "../core/pod/volumes.ts";
import { immutableSpec, validateClaimSpec } from "./claim.ts";
import { validateClass } from "./class.ts";
import { validateSlice } from "./slice.ts";
import { dropDeallocated, validateClaimStatus } from "./status.ts";
import type {
  DeviceClass,
  ResourceClaimTemplate,
  ResourceSlice,
  ResourceV1ResourceClaim,
} from "../generated/types.ts";

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
      for (const toleration of request.tolerations ?? []) toleration.operator ||= "Equal";
    }
  }
}

/** Taints begin when they are first given. */
function defaultSlice({ spec }: ResourceSlice, clock?: Clock): void {
  if (!clock) return;
  const now = formatTime(clock.now());
  for (const { taints = [] } of spec?.devices ?? []) for (const taint of taints) taint.timeAdded ??= now;
}

/** Lists as values of attributes and mappings to the resources of nodes are not in v1.36 by default. */
function dropDisabled({ spec }: ResourceSlice): void {
  for (const device of spec?.devices ?? []) {
    delete device.nodeAllocatableResourceMappings;
    for (const value of Object.values(device.attributes ?? {}))
      for (const name of ["bools", "ints", "strings", "versions"] as const) delete value[name];
  }
}

function sliceWarnings({ spec }: ResourceSlice): string[] {
  const driver = spec?.driver ?? "";
  if (driver === driver.toLowerCase()) return [];
  return [
    `spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`,
  ];
}

/** What drivers say to each other is kept as the text it was given in. */
const parameters = "devices.config.opaque.parameters";
const inClaim = [parameters] as const;
const inTemplate = [`spec.${parameters}`] as const;

const plainKinds: readonly KindDefinition[] = [
  define<DeviceClass>({
    kind: "DeviceClass",
    plural: "deviceclasses",
    rawFields: ["spec.config.opaque.parameters"],
    namespaced: false,
    generation: true,
    metaRules: { generated: false },
    // Held to by a rule that counts bytes.
    name: (value) => isDns1123Subdomain(value).map((text) => text.replace(/characters$/, "bytes")),
    onUpdate: ["metadata", "metadataChange", "object"],
    validate: validateClass,
    columns: [nameColumn, ageColumn],
  }),
  define<ResourceV1ResourceClaim>({
    kind: "ResourceClaim",
    plural: "resourceclaims",
    rawFields: [`spec.${parameters}`, `status.allocation.${parameters}`, "status.devices.data"],
    status: {
      prepareForUpdate: (claim, old) =>
        dropDeallocated(claim as ResourceV1ResourceClaim, old as ResourceV1ResourceClaim),
    },
    statusKeepsMetadata: true,
    validateStatus: validateClaimStatus,
    defaults: (claim) => defaultClaim(claim.spec),
    onUpdate: ["metadata", "metadataChange", "change"],
    validate: (claim) => validateClaimSpec(claim.spec, "spec"),
    validateUpdate: (claim, old) =>
      immutableSpec("resource.ResourceClaimSpec", inClaim, claim.spec, old.spec),
    columns: [nameColumn, column<ResourceV1ResourceClaim>("State", "string", state), ageColumn],
  }),
  define<ResourceClaimTemplate>({
    kind: "ResourceClaimTemplate",
    plural: "resourceclaimtemplates",
    rawFields: [`spec.spec.${parameters}`],
    defaults: (template) => defaultClaim(template.spec?.spec),
    onUpdate: ["metadata", "object", "metadataChange", "change"],
    validate(template) {
      const errors: FieldError[] = [];
      validateTemplateMeta(template.spec?.metadata, "spec.metadata", errors);
      return [...errors, ...validateClaimSpec(template.spec?.spec, "spec.spec")];
    },
    validateUpdate: (template, old) =>
      immutableSpec("resource.ResourceClaimTemplateSpec", inTemplate, template.spec, old.spec),
    columns: [nameColumn, ageColumn],
  }),
  define<ResourceSlice>({
    kind: "ResourceSlice",
    plural: "resourceslices",
    namespaced: false,
    generation: true,
    onUpdate: ["metadataChange", "change"],
    defaults: defaultSlice,
    prepareForCreate: dropDisabled,
    prepareForUpdate: dropDisabled,
    validate: (slice) => validateSlice(slice),
    validateUpdate: validateSlice,
    warnings: sliceWarnings,
    columns: [
      nameColumn,
      column<ResourceSlice>("Node", "string", (each) => each.spec?.nodeName ?? ""),
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

/** Claims and classes may choose devices by expressions, which need what compiles them. */
export const resourceKinds: readonly KindDefinition[] = plainKinds.map((kind) =>
  kind.kind === "ResourceSlice"
    ? kind
    : {
        ...kind,
        ready: ({ spec }: Chooser) => (JSON.stringify(spec ?? {}).includes('"cel"') ? celReady() : undefined),
      },
);

interface Chooser extends KubeObject {
  spec?: unknown;
}
