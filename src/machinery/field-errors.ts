import { goQuote, withoutHtml } from "./go-format.ts";
import { compactText, stringifyRaw } from "./raw-json.ts";

/** Constructors of field errors, in the words of apimachinery's field.Error. */
export interface FieldError {
  reason: string;
  field: string;
  /** The message without the field. */
  message: string;
}

/** Limit of errors from combinations of two lists. */
export const mostMistakes = 100_000;

/** Strings quoted as Go's %q, numbers and booleans plain, anything else as JSON. */
function show(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return String(value);
  if (value === undefined) return "null";
  if (typeof value === "string") return goQuote(value);
  return asJson(value);
}

const asJson = (value: unknown): string => withoutHtml(stringifyRaw(value, compactText));

const make = (reason: string, head: string, field: string, detail: string): FieldError => ({
  reason,
  field,
  message: detail === "" ? head : `${head}: ${detail}`,
});

export const required = (field: string, detail = ""): FieldError =>
  make("FieldValueRequired", "Required value", field, detail);

export const invalid = (field: string, value: unknown, detail: string): FieldError =>
  make("FieldValueInvalid", `Invalid value: ${show(value)}`, field, detail);

/** With a custom text for the value. */
export const invalidShown = (field: string, text: string, detail: string): FieldError =>
  make("FieldValueInvalid", `Invalid value: ${text}`, field, detail);

/** Several errors of one value, which is formatted once: for long lists it would take quadratic time otherwise. */
export function invalidOften(field: string, value: () => unknown): (detail: string) => FieldError {
  let head: string | undefined;
  return (detail) => make("FieldValueInvalid", (head ??= `Invalid value: ${show(value())}`), field, detail);
}

/** For values of Go types that are shown as JSON, such as numbers or percentages. */
export const invalidTyped = (field: string, value: unknown, detail: string): FieldError =>
  make("FieldValueInvalid", `Invalid value: ${asJson(value)}`, field, detail);

/** An error of several values together, without showing any. */
export const invalidTogether = (field: string, detail: string): FieldError =>
  make("FieldValueInvalid", "Invalid value", field, detail);

export const typeInvalid = (field: string, value: unknown, detail: string): FieldError =>
  make("FieldValueTypeInvalid", `Invalid value: ${show(value)}`, field, detail);

/** For values of named Go types, such as enumerations, which are shown as JSON. */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError =>
  unsupported(field, asJson(value ?? null), supported);

/** Of a value that is shown as the text says. */
export const notSupportedShown = (field: string, text: string, supported: readonly string[]): FieldError =>
  unsupported(field, text, supported);

/** For a plain string. */
export const notSupportedText = (field: string, value: string, supported: readonly string[]): FieldError =>
  unsupported(field, show(value), supported);

const unsupported = (field: string, shown: string, supported: readonly string[]): FieldError =>
  make(
    "FieldValueNotSupported",
    `Unsupported value: ${shown}`,
    field,
    supported.length === 0
      ? ""
      : `supported values: ${supported.map((each) => JSON.stringify(each)).join(", ")}`,
  );

export const duplicate = (field: string, value: unknown): FieldError =>
  make("FieldValueDuplicate", `Duplicate value: ${show(value)}`, field, "");

/** Of a value that is shown as the text says. */
export const duplicateShown = (field: string, text: string): FieldError =>
  make("FieldValueDuplicate", `Duplicate value: ${text}`, field, "");

/** The path of errors of a whole object, as Go prints an empty name. */
export const wholeObject = "[]";

export const forbidden = (field: string, detail: string): FieldError =>
  make("FieldValueForbidden", "Forbidden", field, detail);

export const notFound = (field: string, value: unknown): FieldError =>
  make("FieldValueNotFound", `Not found: ${show(value)}`, field, "");

export const tooLong = (field: string, limit: number): FieldError =>
  make(
    "FieldValueTooLong",
    "Too long",
    field,
    `may not be more than ${limit} ${limit === 1 ? "byte" : "bytes"}`,
  );

export const tooMany = (field: string, count: number, limit: number): FieldError =>
  make(
    "FieldValueTooMany",
    `Too many: ${count}`,
    field,
    `must have at most ${limit} ${limit === 1 ? "item" : "items"}`,
  );

/** The text of an aggregate error: a single message, or `[a, b]` without duplicates. */
export function aggregateText(messages: readonly string[]): string {
  const texts = [...new Set(messages)];
  return texts.length === 1 ? (texts[0] as string) : `[${texts.join(", ")}]`;
}
