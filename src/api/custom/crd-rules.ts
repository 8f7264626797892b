/** Rules of CustomResourceDefinitions, with Kubernetes' texts and in its order. */
import {
  deepEqual,
  invalid,
  invalidOften,
  isDns1035Label,
  isDns1123Subdomain,
  notSupported,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { given } from "../given.ts";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from "../generated/types.ts";
import { approvalAnnotation, approvalOf } from "./approval.ts";
import { immutableText } from "../metadata.ts";
import { conversionProblems, isBundle } from "./conversion-rules.ts";
import { internalSpec, shownVersions, type VersionParts } from "./internal-spec.ts";
import type { SchemaProps } from "./schema-props.ts";
import {
  columnProblems,
  deprecationProblems,
  selectableProblems,
  subresourceProblems,
  validationProblems,
} from "./version-rules.ts";

const isEstablished = (crd: CustomResourceDefinition | undefined): boolean =>
  crd?.status?.conditions?.some((each) => each.type === "Established" && each.status === "True") ?? false;

const specOf = (crd: CustomResourceDefinition): CustomResourceDefinitionSpec =>
  crd.spec ?? ({} as CustomResourceDefinitionSpec);

export function validateDefinition(crd: CustomResourceDefinition): FieldError[] {
  const spec = specOf(crd);
  const name = crd.metadata?.name ?? "";
  const errors: FieldError[] = [];
  const { generateName } = crd.metadata ?? {};
  if (generateName)
    errors.push(invalid("metadata.generateName", generateName, 'must be spec.names.plural+"."+spec.group'));
  if (name !== "" && name !== `${spec.names?.plural ?? ""}.${spec.group ?? ""}`)
    errors.push(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'));
  errors.push(...definitionProblems(crd, undefined));
  return errors;
}

export function validateDefinitionUpdate(
  crd: CustomResourceDefinition,
  old: CustomResourceDefinition,
): FieldError[] {
  return definitionProblems(crd, old);
}

function definitionProblems(
  crd: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
): FieldError[] {
  const spec = specOf(crd);
  const errors = specProblems(spec, old);
  if (old) checkImmutable(spec, old, errors);
  if (crd.status?.acceptedNames) checkNames(crd.status.acceptedNames, "status.acceptedNames", errors);
  checkStored(crd, errors);
  checkApproval(crd, old, errors);
  if (spec.preserveUnknownFields && !old?.spec?.preserveUnknownFields)
    errors.push(
      invalid(
        "spec.preserveUnknownFields",
        true,
        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
      ),
    );
  return errors;
}

function specProblems(
  spec: CustomResourceDefinitionSpec,
  old: CustomResourceDefinition | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  checkGroup(spec.group ?? "", errors);
  if (!spec.scope) errors.push(required("spec.scope"));
  else if (spec.scope !== "Cluster" && spec.scope !== "Namespaced")
    errors.push(notSupported("spec.scope", spec.scope, ["Cluster", "Namespaced"]));
  const { top, versions } = internalSpec(spec);
  if (!top.schema?.openAPIV3Schema)
    versions.forEach((version, i) => {
      if (!version.schema?.openAPIV3Schema)
        errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`));
    });
  if (spec.preserveUnknownFields && spec.versions.some(({ schema }) => saysDefaults(schema?.openAPIV3Schema)))
    errors.push(
      invalid("spec.preserveUnknownFields", true, "must be false in order to use defaults in the schema"),
    );
  const hasOwnParts = versions.some(({ subresources }) => subresources);
  const statusOf = (parts: VersionParts): boolean =>
    (hasOwnParts ? parts.subresources : top.subresources)?.status !== undefined;
  const [given, former] = [byName(spec), byName(old?.spec)];
  const unchanged = (name = ""): boolean => {
    const [now, was] = [given.get(name), former.get(name)];
    return now !== undefined && was !== undefined && deepEqual(now.schema, was.schema);
  };
  versions.forEach((version, i) => {
    const path = `spec.versions[${i}]`;
    pushLabel(`${path}.name`, version.name ?? "", errors);
    errors.push(...deprecationProblems(version, path));
    const before = former.get(version.name ?? "");
    errors.push(...partProblems(version, path, "schema", statusOf(version), before, unchanged(version.name)));
  });
  const names = versions.map(({ name }) => name);
  if (new Set(names).size < names.length)
    errors.push(invalid("spec.versions", shownVersions(spec), "must contain unique version names"));
  if (versions.filter(({ storage }) => storage).length !== 1)
    errors.push(
      invalid(
        "spec.versions",
        shownVersions(spec),
        "must have exactly one version marked as storage version",
      ),
    );
  if (names[0]) pushLabel("spec.version", names[0], errors);
  const called = spec.names ?? ({} as CustomResourceDefinitionNames);
  for (const member of ["plural", "singular", "kind", "listKind"] as const)
    if (!called[member]) errors.push(required(`spec.names.${member}`));
  checkNames(called, "spec.names", errors);
  const anyStatus = [top, ...versions].some(({ subresources }) => subresources?.status !== undefined);
  const before = old?.spec && internalSpec(old.spec).top;
  errors.push(...partProblems(top, "spec", "validation", anyStatus, before, unchanged(names[0])));
  const strategy = spec.conversion?.strategy;
  if (spec.preserveUnknownFields && spec.conversion && strategy !== "None")
    errors.push(
      invalid(
        "spec.conversion.strategy",
        strategy ?? "",
        "must be None if spec.preserveUnknownFields is true",
      ),
    );
  const bundle = old?.spec?.conversion?.webhook?.clientConfig?.caBundle;
  errors.push(...conversionProblems(spec.conversion, isEstablished(old) && (!bundle || isBundle(bundle))));
  return errors;
}

/** The versions of a definition by their names; the first of each. */
function byName(
  spec: CustomResourceDefinitionSpec | undefined,
): Map<string, CustomResourceDefinitionVersion> {
  const found = new Map<string, CustomResourceDefinitionVersion>();
  for (const version of spec?.versions ?? [])
    if (!found.has(version.name ?? "")) found.set(version.name ?? "", version);
  return found;
}

function partProblems(
  parts: VersionParts,
  path: string,
  schemaName: string,
  hasStatus: boolean,
  before: VersionParts | undefined,
  unchanged: boolean,
): FieldError[] {
  const schema = parts.schema?.openAPIV3Schema as SchemaProps | undefined;
  return [
    ...(schema ? validationProblems(schema, `${path}.${schemaName}`, hasStatus, unchanged) : []),
    ...subresourceProblems(parts.subresources, `${path}.subresources`),
    ...columnProblems(parts.additionalPrinterColumns, `${path}.additionalPrinterColumns`),
    ...selectableProblems(
      parts.selectableFields,
      schema,
      `${path}.selectableFields`,
      before?.selectableFields,
      path === "spec",
    ),
  ];
}

/** A fast check for large schemas: without this word nothing is defaulted. */
const saysDefaults = (schema: unknown): boolean =>
  schema !== undefined && JSON.stringify(schema).includes('"default":');

function pushLabel(path: string, value: string, errors: FieldError[]): void {
  const texts = isDns1035Label(value);
  if (texts.length > 0) errors.push(invalid(path, value, texts.join(",")));
}

function checkGroup(group: string, errors: FieldError[]): void {
  const texts = isDns1123Subdomain(group);
  if (group === "") errors.push(required("spec.group"));
  else if (texts.length > 0) errors.push(invalid("spec.group", group, texts.join(",")));
  else if (!group.includes("."))
    errors.push(invalid("spec.group", group, "should be a domain with at least one dot"));
}

function checkNames(names: CustomResourceDefinitionNames, path: string, errors: FieldError[]): void {
  for (const member of ["plural", "singular"] as const)
    if (names[member]) pushLabel(`${path}.${member}`, names[member], errors);
  for (const member of ["kind", "listKind"] as const) {
    const value = names[member] ?? "";
    const texts = value === "" ? [] : isDns1035Label(value.toLowerCase());
    if (texts.length > 0)
      errors.push(
        invalid(
          `${path}.${member}`,
          value,
          `may have mixed case, but should otherwise match: ${texts.join(",")}`,
        ),
      );
  }
  (names.shortNames ?? []).forEach((each, i) => pushLabel(`${path}.shortNames[${i}]`, each, errors));
  if (names.kind && names.kind === names.listKind)
    errors.push(invalid(`${path}.listKind`, names.listKind, "kind and listKind may not be the same"));
  (names.categories ?? []).forEach((each, i) => pushLabel(`${path}.categories[${i}]`, each, errors));
}

function checkImmutable(
  spec: CustomResourceDefinitionSpec,
  old: CustomResourceDefinition,
  errors: FieldError[],
): void {
  const fixed = (field: string, value: unknown, before: unknown): void => {
    if (!deepEqual(value, before)) errors.push(invalid(field, value ?? "", immutableText));
  };
  if (isEstablished(old)) {
    fixed("spec.scope", spec.scope, old.spec?.scope);
    fixed("spec.names.kind", spec.names?.kind, old.spec?.names?.kind);
  }
  fixed("spec.group", spec.group, old.spec?.group);
  fixed("spec.names.plural", spec.names?.plural, old.spec?.names?.plural);
}

/** Stored versions cannot be removed. */
function checkStored(crd: CustomResourceDefinition, errors: FieldError[]): void {
  const path = "status.storedVersions";
  const stored = crd.status?.storedVersions ?? [];
  if (stored.length === 0) {
    errors.push(invalid(path, crd.status?.storedVersions ?? null, "must have at least one stored version"));
    return;
  }
  const versions = (crd.spec?.versions ?? []).map((each) => given(each));
  const wrong = invalidOften(path, () => stored);
  // A duplicate name is found once.
  const unseen = new Set(stored);
  for (const { name = "", storage } of versions)
    if (!unseen.delete(name) && storage) errors.push(wrong(`must have the storage version ${name}`));
  const known = new Set(versions.map(({ name = "" }) => name));
  stored.forEach((each, i) => {
    if (!known.has(each))
      errors.push(
        invalid(
          `${path}[${i}]`,
          each,
          `missing from spec.versions; ${each} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${each} and removes ${each} from status.storedVersions`,
        ),
      );
  });
}

function checkApproval(
  crd: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
  errors: FieldError[],
): void {
  const found = approvalOf(crd);
  if (!found || (old && approvalOf(old)?.state === found.state)) return;
  const field = `metadata.annotations[${approvalAnnotation}]`;
  if (found.state === "missing") errors.push(required(field, found.text));
  if (found.state === "invalid")
    errors.push(invalid(field, crd.metadata?.annotations?.[approvalAnnotation], found.text));
}
