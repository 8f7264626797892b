/** One of `x-kubernetes-validations`. */
export interface ValidationRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** JSONSchemaProps of apiextensions.k8s.io/v1, as far as structural schemas use it. */
export interface SchemaProps {
  type?: string;
  format?: string;
  title?: string;
  description?: string;
  default?: unknown;
  nullable?: boolean;
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, SchemaProps>;
  additionalProperties?: boolean | SchemaProps;
  items?: SchemaProps;
  maximum?: number;
  exclusiveMaximum?: boolean;
  minimum?: number;
  exclusiveMinimum?: boolean;
  multipleOf?: number;
  maxLength?: number;
  minLength?: number;
  pattern?: string;
  maxItems?: number;
  minItems?: number;
  uniqueItems?: boolean;
  maxProperties?: number;
  minProperties?: number;
  allOf?: SchemaProps[];
  anyOf?: SchemaProps[];
  oneOf?: SchemaProps[];
  not?: SchemaProps;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-embedded-resource"?: boolean;
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-list-type"?: string;
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-map-type"?: string;
  "x-kubernetes-validations"?: ValidationRule[];
  [member: string]: unknown;
}

export const preserves = (schema: SchemaProps): boolean =>
  schema["x-kubernetes-preserve-unknown-fields"] === true;
export const isEmbedded = (schema: SchemaProps): boolean => schema["x-kubernetes-embedded-resource"] === true;
export const isIntOrString = (schema: SchemaProps): boolean => schema["x-kubernetes-int-or-string"] === true;

/** The schema of additional properties; undefined when they are forbidden or unchecked. */
export const valuesOf = (schema: SchemaProps): SchemaProps | undefined =>
  typeof schema.additionalProperties === "object" && schema.additionalProperties !== null
    ? schema.additionalProperties
    : schema.additionalProperties === true
      ? { "x-kubernetes-preserve-unknown-fields": true }
      : undefined;

/** The object's own member; `constructor` is undefined unless the object has it. */
export const ownMember = <T>(object: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;

/** The schema of a member, if any. */
export const memberOf = (schema: SchemaProps, name: string): SchemaProps | undefined =>
  ownMember(schema.properties, name) ?? valuesOf(schema);
