/** Rules of CustomResourceDefinitions, with Kubernetes' texts. */
import {
  deepEqual,
  forbidden,
  invalid,
  isDns1035Label,
  isDns1123Subdomain,
  notSupported,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from "../generated/types.ts";
import { immutableText } from "../metadata.ts";
import { structuralProblems } from "./structural.ts";
import type { SchemaProps } from "./schema-props.ts";

const approval = "api-approved.kubernetes.io";
const protectedGroup = /(^|\.)(k8s|kubernetes)\.io$/;

export function validateDefinition(crd: CustomResourceDefinition): FieldError[] {
  const { spec } = crd;
  if (!spec) return [required("spec")];
  const errors: FieldError[] = [];
  const name = crd.metadata?.name ?? "";
  if (spec.names && name !== `${spec.names.plural}.${spec.group}`)
    errors.push(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'));
  if (protectedGroup.test(spec.group ?? "")) checkApproval(crd, errors);
  checkGroup(spec, errors);
  checkScope(spec, errors);
  checkVersions(spec, errors);
  checkNames(spec.names, errors);
  if (spec.preserveUnknownFields)
    errors.push(
      invalid(
        "spec.preserveUnknownFields",
        true,
        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
      ),
    );
  checkConversion(spec, errors);
  const stored = crd.status?.storedVersions ?? [];
  stored.forEach((each, i) => {
    if (!spec.versions?.some((version) => version.name === each))
      errors.push(invalid(`status.storedVersions[${i}]`, each, "must appear in spec.versions"));
  });
  return errors;
}

function checkApproval(crd: CustomResourceDefinition, errors: FieldError[]): void {
  const value = crd.metadata?.annotations?.[approval];
  const field = `metadata.annotations[${approval}]`;
  const more = "see https://github.com/kubernetes/enhancements/pull/1111";
  if (value === undefined || value === "") {
    errors.push(required(field, `protected groups must have approval annotation "${approval}", ${more}`));
  } else if (!value.startsWith("unapproved") && !URL.canParse(value)) {
    errors.push(
      invalid(
        field,
        value,
        `protected groups must have approval annotation "${approval}" with either a URL or a reason starting with "unapproved", ${more}`,
      ),
    );
  }
}

function checkGroup({ group }: CustomResourceDefinitionSpec, errors: FieldError[]): void {
  if (!group) {
    errors.push(required("spec.group"));
    return;
  }
  for (const text of isDns1123Subdomain(group)) errors.push(invalid("spec.group", group, text));
  if (!group.includes("."))
    errors.push(invalid("spec.group", group, "should be a domain with at least one dot"));
}

function checkScope({ scope }: CustomResourceDefinitionSpec, errors: FieldError[]): void {
  if (!scope) errors.push(required("spec.scope"));
  else if (scope !== "Cluster" && scope !== "Namespaced")
    errors.push(notSupported("spec.scope", scope, ["Cluster", "Namespaced"]));
}

function checkVersions(spec: CustomResourceDefinitionSpec, errors: FieldError[]): void {
  const versions = spec.versions ?? [];
  const shown = versions.map(({ name }) => name);
  versions.forEach((version, i) => checkVersion(version, `spec.versions[${i}]`, errors));
  if (new Set(shown).size < shown.length)
    errors.push(invalid("spec.versions", shown, "must contain unique version names"));
  if (versions.filter(({ storage }) => storage).length !== 1)
    errors.push(invalid("spec.versions", shown, "must have exactly one version marked as storage version"));
}

function checkVersion(version: CustomResourceDefinitionVersion, path: string, errors: FieldError[]): void {
  for (const text of isDns1035Label(version.name ?? ""))
    errors.push(invalid(`${path}.name`, version.name, text));
  if (!version.deprecated && version.deprecationWarning !== undefined)
    errors.push(
      invalid(
        `${path}.deprecationWarning`,
        version.deprecationWarning,
        "can only be set for deprecated versions",
      ),
    );
  const schema = version.schema?.openAPIV3Schema as SchemaProps | undefined;
  const at = `${path}.schema.openAPIV3Schema`;
  if (!schema) errors.push(required(at, "schemas are required"));
  else errors.push(...structuralProblems(schema, at));
  const { scale } = version.subresources ?? {};
  if (scale) {
    checkReplicasPath(scale.specReplicasPath, ".spec", `${path}.subresources.scale.specReplicasPath`, errors);
    checkReplicasPath(
      scale.statusReplicasPath,
      ".status",
      `${path}.subresources.scale.statusReplicasPath`,
      errors,
    );
  }
  (version.additionalPrinterColumns ?? []).forEach((each, i) =>
    checkColumn(each, `${path}.additionalPrinterColumns[${i}]`, errors),
  );
  (version.selectableFields ?? []).forEach(({ jsonPath }, i) => {
    const field = `${path}.selectableFields[${i}].jsonPath`;
    if (!jsonPath) errors.push(required(field));
    else if (!/^(\.[A-Za-z_][\w-]*)+$/.test(jsonPath))
      errors.push(invalid(field, jsonPath, "is an invalid path: must be a simple path of field names"));
  });
}

function checkReplicasPath(
  value: string | undefined,
  root: string,
  path: string,
  errors: FieldError[],
): void {
  if (!value) errors.push(required(path));
  else if (!/^(\.[A-Za-z_][\w-]*)+$/.test(value))
    errors.push(invalid(path, value, "should be a json path without array notation"));
  else if (!value.startsWith(`${root}.`))
    errors.push(invalid(path, value, `should be a json path under ${root}`));
}

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

function checkColumn(column: CustomResourceColumnDefinition, path: string, errors: FieldError[]): void {
  if (!column.name) errors.push(required(`${path}.name`));
  if (!column.type) errors.push(required(`${path}.type`, `must be one of ${columnTypes.join(",")}`));
  else if (!columnTypes.includes(column.type))
    errors.push(invalid(`${path}.type`, column.type, `must be one of ${columnTypes.join(",")}`));
  if (column.format && !columnFormats.includes(column.format))
    errors.push(invalid(`${path}.format`, column.format, `must be one of ${columnFormats.join(",")}`));
  if (!column.jsonPath) errors.push(required(`${path}.jsonPath`));
  else if (!column.jsonPath.startsWith("."))
    errors.push(invalid(`${path}.jsonPath`, column.jsonPath, "must start with '.'"));
}

function checkNames(names: CustomResourceDefinitionNames | undefined, errors: FieldError[]): void {
  if (!names) {
    errors.push(required("spec.names"));
    return;
  }
  const label = (member: "plural" | "singular" | "kind" | "listKind", mixed: boolean): void => {
    const value = names[member] ?? "";
    if (value === "") {
      if (member === "plural" || member === "kind") errors.push(required(`spec.names.${member}`));
      return;
    }
    const prefix = mixed ? "may have mixed case, but should otherwise match: " : "";
    for (const text of isDns1035Label(mixed ? value.toLowerCase() : value))
      errors.push(invalid(`spec.names.${member}`, value, `${prefix}${text}`));
  };
  label("plural", false);
  label("singular", false);
  label("kind", true);
  label("listKind", true);
  (names.shortNames ?? []).forEach((each, i) => {
    for (const text of isDns1035Label(each)) errors.push(invalid(`spec.names.shortNames[${i}]`, each, text));
  });
  if (names.kind && names.listKind && names.kind === names.listKind)
    errors.push(invalid("spec.names.listKind", names.listKind, "kind and listKind may not be the same"));
  (names.categories ?? []).forEach((each, i) => {
    for (const text of isDns1035Label(each)) errors.push(invalid(`spec.names.categories[${i}]`, each, text));
  });
}

function checkConversion({ conversion }: CustomResourceDefinitionSpec, errors: FieldError[]): void {
  if (!conversion) return;
  if (!conversion.strategy) errors.push(required("spec.conversion.strategy"));
  else if (conversion.strategy !== "None" && conversion.strategy !== "Webhook")
    errors.push(notSupported("spec.conversion.strategy", conversion.strategy, ["None", "Webhook"]));
  if (conversion.strategy === "Webhook" && !conversion.webhook?.clientConfig)
    errors.push(
      required(
        "spec.conversion.webhookClientConfig",
        "required when strategy is set to Webhook, but not allowed when strategy is set to None",
      ),
    );
  if (conversion.strategy === "None" && conversion.webhook)
    errors.push(
      forbidden(
        "spec.conversion.webhookClientConfig",
        "should not be set when strategy is not set to Webhook",
      ),
    );
}

export function validateDefinitionUpdate(
  crd: CustomResourceDefinition,
  old: CustomResourceDefinition,
): FieldError[] {
  const errors: FieldError[] = [];
  const established = old.status?.conditions?.some(
    (each) => each.type === "Established" && each.status === "True",
  );
  const fixed = (field: string, value: unknown, before: unknown): void => {
    if (!deepEqual(value, before)) errors.push(invalid(field, value, immutableText));
  };
  fixed("spec.group", crd.spec?.group, old.spec?.group);
  fixed("spec.names.plural", crd.spec?.names?.plural, old.spec?.names?.plural);
  if (established) {
    fixed("spec.scope", crd.spec?.scope, old.spec?.scope);
    fixed("spec.names.kind", crd.spec?.names?.kind, old.spec?.names?.kind);
  }
  return errors;
}
