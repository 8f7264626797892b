/** apiextensions.k8s.io/v1 CustomResourceDefinition as a kind: defaults, status, columns. */
import { column } from "../columns.ts";
import { kindsOf } from "../define.ts";
import type { KindDefinition } from "../definition.ts";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionStatus,
} from "../generated/types.ts";
import { creationText, nameOf } from "./definition.ts";
import { type SchemaProps, valuesOf } from "./schema-props.ts";
import { validateDefinition, validateDefinitionUpdate } from "./crd-rules.ts";

/** Held by a definition until its instances are gone. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

const define = kindsOf(
  "apiextensions.k8s.io",
  "v1",
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
);

const storageOf = (crd: CustomResourceDefinition): string | undefined =>
  crd.spec?.versions?.find((version) => version.storage)?.name;

export const conditionOf = (
  crd: CustomResourceDefinition,
  type: string,
): CustomResourceDefinitionCondition | undefined =>
  crd.status?.conditions?.find((condition) => condition.type === type);

export const isEstablished = (crd: CustomResourceDefinition): boolean =>
  conditionOf(crd, "Established")?.status === "True";

function hasRules(schema: SchemaProps): boolean {
  if ((schema["x-kubernetes-validations"]?.length ?? 0) > 0) return true;
  const values = valuesOf(schema);
  const parts = [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])];
  return parts.some(hasRules) || (values !== undefined && hasRules(values));
}

export const crdKind: KindDefinition = {
  ...define<CustomResourceDefinition>({
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
      if (!spec?.names) return;
      if (spec.names.kind) {
        spec.names.singular ||= spec.names.kind.toLowerCase();
        spec.names.listKind ||= `${spec.names.kind}List`;
      }
      spec.conversion ??= { strategy: "None" };
    },
    prepareForCreate(crd) {
      const storage = storageOf(crd);
      crd.status = {
        conditions: null,
        acceptedNames: { plural: "", kind: "" },
        storedVersions: storage === undefined ? null : [storage],
      } as unknown as CustomResourceDefinitionStatus;
    },
    prepareForUpdate(crd) {
      const storage = storageOf(crd);
      const stored = crd.status?.storedVersions ?? [];
      if (storage !== undefined && !stored.includes(storage))
        crd.status = { ...crd.status, storedVersions: [...stored, storage] };
    },
    warnings(crd) {
      const texts: string[] = [];
      crd.spec?.versions?.forEach(({ name, schema }) => {
        if (hasRules((schema?.openAPIV3Schema ?? {}) as SchemaProps))
          texts.push(`version ${name}: x-kubernetes-validations are stored and not evaluated yet`);
      });
      if (crd.spec?.conversion?.strategy === "Webhook")
        texts.push("conversion webhooks are not called yet: only the apiVersion of objects is changed");
      return texts;
    },
    validate: validateDefinition,
    validateUpdate: validateDefinitionUpdate,
  }),
  deletionFinalizer: cleanupFinalizer,
};

export const apiExtensionKinds: readonly KindDefinition[] = [crdKind];
