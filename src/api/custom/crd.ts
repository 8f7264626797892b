/** apiextensions.k8s.io/v1 CustomResourceDefinition as a kind: defaults, status, columns. */
import { column } from "../columns.ts";
import { kindsOf } from "../define.ts";
import type { KindDefinition } from "../definition.ts";
import type { KubeObject } from "../meta.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionStatus } from "../generated/types.ts";
import { creationText, nameOf } from "./columns.ts";
import { conditionOf, withCondition } from "./conditions.ts";
import { schemasOf } from "./definition.ts";
import { isUnknownFormat } from "./formats.ts";
import type { SchemaProps } from "./schema-props.ts";
import { rulesReady } from "./rules/engine.ts";
import { partsOf } from "./structural.ts";
import { validateDefinition, validateDefinitionUpdate } from "./crd-rules.ts";

/** Removed when all custom resources are deleted. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

const define = kindsOf(
  "apiextensions.k8s.io",
  "v1",
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
);

/** A version without a name has an empty one. */
function storageOf({ spec }: CustomResourceDefinition): string | undefined {
  const version = spec?.versions?.find(({ storage }) => storage);
  return version && ((version.name as string | undefined) ?? "");
}

export const isEstablished = (crd: CustomResourceDefinition): boolean =>
  conditionOf(crd, "Established")?.status === "True";

/** Unknown formats, sorted without duplicates. */
function unknownFormats(crd: CustomResourceDefinition | undefined): string[] {
  const found = new Set<string>();
  const visit = (schema: SchemaProps): void => {
    if (schema.format && isUnknownFormat(schema.type, schema.format)) found.add(schema.format);
    for (const each of partsOf(schema)) visit(each);
  };
  for (const { schema } of crd?.spec?.versions ?? [])
    if (schema?.openAPIV3Schema) visit(schema.openAPIV3Schema as SchemaProps);
  return [...found].sort();
}

/** An empty list of versions results in a webhook without stored fields, which its manager owns nevertheless. */
function dropEmptyWebhook({ spec }: CustomResourceDefinition): void {
  const webhook = spec?.conversion?.webhook;
  if (webhook && !webhook.clientConfig && webhook.conversionReviewVersions?.length === 0)
    delete spec?.conversion?.webhook;
}

const base = define<CustomResourceDefinition>({
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  namespaced: false,
  generation: true,
  status: true,
  columns: [
    nameOf,
    column<CustomResourceDefinition>(
      "Created At",
      "date",
      (crd) => crd.metadata?.creationTimestamp ?? null,
      creationText,
    ),
  ],
  defaults(crd) {
    const { spec } = crd;
    if (!spec) return;
    const storage = storageOf(crd);
    if (storage !== undefined && (crd.status?.storedVersions ?? []).length === 0)
      crd.status = { ...crd.status, storedVersions: [storage] };
    if (!spec.preserveUnknownFields) delete spec.preserveUnknownFields;
    spec.conversion ??= { strategy: "None" };
    const { webhook } = spec.conversion;
    if (webhook && !webhook.clientConfig && !webhook.conversionReviewVersions) delete spec.conversion.webhook;
    const service = webhook?.clientConfig?.service;
    if (service) service.port ??= 443;
    if (!spec.names) return;
    if (spec.names.kind) {
      spec.names.singular ||= spec.names.kind.toLowerCase();
      spec.names.listKind ||= `${spec.names.kind}List`;
    }
  },
  prepareForCreate(crd) {
    dropEmptyWebhook(crd);
    const storage = storageOf(crd);
    crd.status = {
      conditions: null,
      acceptedNames: { plural: "", kind: "" },
      storedVersions: storage === undefined ? null : [storage],
    } as unknown as CustomResourceDefinitionStatus;
  },
  prepareForUpdate(crd) {
    dropEmptyWebhook(crd);
    const storage = storageOf(crd);
    const stored = crd.status?.storedVersions ?? [];
    if (storage !== undefined && !stored.includes(storage))
      crd.status = { ...crd.status, storedVersions: [...stored, storage] };
  },
  warnings(crd, old) {
    const before = unknownFormats(old);
    return unknownFormats(crd)
      .filter((format) => !before.includes(format))
      .map((format) => `unrecognized format ${JSON.stringify(format)}`);
  },
  metaRules: { finalizers: "any" },
  onUpdate: ["metadataChange", "change"],
  validate: validateDefinition,
  validateUpdate: validateDefinitionUpdate,
});

const marked = {
  type: "Terminating",
  status: "True",
  reason: "InstanceDeletionPending",
  message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
};

export const crdKind: KindDefinition = {
  ...base,
  ready: (object) => rulesReady(schemasOf((object as CustomResourceDefinition).spec)),
  beginDeletion(object, now) {
    const crd = object as CustomResourceDefinition & KubeObject;
    const metadata = (crd.metadata ??= {});
    if (!metadata.finalizers?.includes(cleanupFinalizer))
      metadata.finalizers = [...(metadata.finalizers ?? []), cleanupFinalizer];
    const conditions = withCondition(crd.status?.conditions, marked, now);
    crd.status = { ...crd.status, conditions } as CustomResourceDefinitionStatus;
  },
};

export const apiExtensionKinds: readonly KindDefinition[] = [crdKind];
