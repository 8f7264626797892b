/** Rules for the fields of a definition's version, set per version or for all. */
import { duplicate, forbidden, invalid, required, tooMany } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  SelectableField,
} from "../generated/types.ts";
import { defaultProblems } from "./default-rules.ts";
import { followPath } from "./field-path.ts";
import { shownSchema } from "./internal-spec.ts";
import { ruleProblems } from "./rules/definition-rules.ts";
import { schemaProblems } from "./schema-rules.ts";
import type { SchemaProps } from "./schema-props.ts";
import { structuralProblems, unstructurable } from "./structural.ts";

export function deprecationProblems(version: CustomResourceDefinitionVersion, path: string): FieldError[] {
  const { deprecated, deprecationWarning: text } = version;
  if (text === undefined || text === null) return [];
  const said = (problem: string): FieldError => invalid(`${path}.deprecationWarning`, text, problem);
  if (!deprecated) return [said("can only be set for deprecated versions")];
  const errors: FieldError[] = [];
  if (Buffer.byteLength(text) > 256) errors.push(said("must be <= 256 characters long"));
  if (text === "") errors.push(said("must not be an empty string"));
  const hidden = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(text);
  if (hidden) {
    const index = Buffer.byteLength(text.slice(0, hidden.index));
    errors.push(
      said(`must only contain printable UTF-8 characters; non-printable character found at index ${index}`),
    );
  }
  return errors;
}

/** Keywords of the root schema that are allowed besides `properties.status`, with Go's names as shown in errors. */
const allowedAtRoot = [
  "Description",
  "Type",
  "Format",
  "Title",
  "Maximum",
  "ExclusiveMaximum",
  "Minimum",
  "ExclusiveMinimum",
  "MaxLength",
  "MinLength",
  "Pattern",
  "MaxItems",
  "MinItems",
  "UniqueItems",
  "MultipleOf",
  "Required",
  "Items",
  "Properties",
  "ExternalDocs",
  "Example",
  "XPreserveUnknownFields",
  "XValidations",
];

/** `path`: of the parent of `openAPIV3Schema`. `unchanged`: the version had this schema before. */
export function validationProblems(
  schema: SchemaProps,
  path: string,
  hasStatus: boolean,
  unchanged: boolean,
): FieldError[] {
  const at = `${path}.openAPIV3Schema`;
  const errors: FieldError[] = [];
  if (hasStatus) checkRoot(schema, at, errors);
  if (schema.nullable) errors.push(forbidden(`${at}.nullable`, "nullable cannot be true at the root"));
  let sound = false;
  const structurable = !unstructurable(schema);
  if (structurable) {
    const structural = structuralProblems(schema, at);
    const found = structural.length > 0 ? structural : defaultProblems(schema, at);
    sound = found.length === 0;
    errors.push(...found);
  }
  const own = schemaProblems(schema, at);
  errors.push(...own);
  if (sound && own.length === 0) errors.push(...ruleProblems(schema, at, unchanged));
  // Everything else that is not structural was reported before.
  if (errors.length === 0 && !structurable)
    errors.push(invalid(at, "", "OpenAPIV3Schema 'schema' is not supported"));
  return errors;
}

function checkRoot(schema: SchemaProps, path: string, errors: FieldError[]): void {
  const shown = shownSchema(schema) as Record<string, unknown>;
  for (const [name, value] of Object.entries(shown)) {
    if (value === null || value === "" || value === false) continue;
    if (name === "Type" && value !== "object") {
      errors.push(
        invalid(
          `${path}.type`,
          value,
          'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
        ),
      );
      return;
    }
    if (allowedAtRoot.includes(name)) continue;
    const text = `only [${allowedAtRoot.join(" ")}] fields are allowed at the root of the schema if the status subresource is enabled`;
    errors.push(invalid(path, shown, text));
    return;
  }
}

export function subresourceProblems(
  subresources: CustomResourceSubresources | undefined,
  path: string,
): FieldError[] {
  const { scale } = subresources ?? {};
  if (!scale) return [];
  const errors: FieldError[] = [];
  const check = (member: "specReplicasPath" | "statusReplicasPath", root: string): void => {
    const value = scale[member] ?? "";
    const at = `${path}.scale.${member}`;
    if (value === "") errors.push(required(at));
    else if (!value.startsWith(".")) errors.push(invalid(at, value, notSimple));
    else if (!value.startsWith(`${root}.`))
      errors.push(invalid(at, value, `should be a json path under ${root}`));
  };
  check("specReplicasPath", ".spec");
  check("statusReplicasPath", ".status");
  const selector = scale.labelSelectorPath ?? "";
  const at = `${path}.scale.labelSelectorPath`;
  if (selector !== "" && !selector.startsWith(".")) errors.push(invalid(at, selector, notSimple));
  else if (selector !== "" && !/^\.(spec|status)\./.test(selector))
    errors.push(invalid(at, selector, "should be a json path under either .spec or .status"));
  return errors;
}

const notSimple = "must be a simple json path starting with .";
const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

export function columnProblems(
  columns: readonly CustomResourceColumnDefinition[] | undefined,
  path: string,
): FieldError[] {
  return (columns ?? []).flatMap((column, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (!column.name) errors.push(required(`${at}.name`));
    const types = `must be one of ${columnTypes.join(",")}`;
    if (!column.type) errors.push(required(`${at}.type`, types));
    else if (!columnTypes.includes(column.type)) errors.push(invalid(`${at}.type`, column.type, types));
    if (column.format && !columnFormats.includes(column.format))
      errors.push(invalid(`${at}.format`, column.format, `must be one of ${columnFormats.join(",")}`));
    if (!column.jsonPath) errors.push(required(`${at}.JSONPath`));
    else if (!column.jsonPath.startsWith("."))
      errors.push(invalid(`${at}.JSONPath`, column.jsonPath, notSimple));
    return errors;
  });
}

const maxSelectable = 8;

export function selectableProblems(
  fields: readonly SelectableField[] | undefined,
  schema: SchemaProps | undefined,
  path: string,
  before: readonly SelectableField[] | undefined,
  ofAll: boolean,
): FieldError[] {
  if (!fields || fields.length === 0) return [];
  if (!schema)
    return [
      invalid(
        path,
        "",
        `may only be set when ${ofAll ? "validations.schema is included" : "`version.schema.openAPIV3Schema` is not included"}`,
      ),
    ];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  fields.forEach(({ jsonPath }, i) => {
    const at = `${path}[${i}].jsonPath`;
    if (!jsonPath) {
      errors.push(required(at));
      return;
    }
    const found = followPath(jsonPath, schema, false);
    if (typeof found === "string") {
      errors.push(invalid(at, jsonPath, `is an invalid path: ${found}`));
      return;
    }
    if (/^metadata\b/.test(found.path))
      errors.push(invalid(at, jsonPath, "must not point to fields in metadata"));
    if (!["string", "boolean", "integer"].includes(found.schema?.type ?? ""))
      errors.push(
        invalid(
          at,
          jsonPath,
          "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
        ),
      );
    if (seen.has(found.path)) errors.push(duplicate(at, jsonPath));
    seen.add(found.path);
  });
  const kept = (before?.length ?? 0) > maxSelectable && JSON.stringify(before) === JSON.stringify(fields);
  if (seen.size > maxSelectable && !kept) errors.push(tooMany(path, seen.size, maxSelectable));
  return errors;
}
