import { goQuote, withoutHtml } from "./go-format.ts";
import { compactText, stringifyRaw } from "./raw-json.ts";

/** Constructors for mistakes in fields, with the wording of apimachinery's field.Error. */
export interface FieldError {
  reason: string;
  field: string;
  /** The message without the field. */
  message: string;
}

/** What brings mistakes by the product of two lists stops here: nobody is told so many. */
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

/** Of a value that is shown as the text says. */
export const invalidShown = (field: string, text: string, detail: string): FieldError =>
  make("FieldValueInvalid", `Invalid value: ${text}`, field, detail);

/** Mistakes of one value, which is shown once however many there are: those of a long list would else take time by its square. */
export function invalidOften(field: string, value: () => unknown): (detail: string) => FieldError {
  let head: string | undefined;
  return (detail) => make("FieldValueInvalid", (head ??= `Invalid value: ${show(value())}`), field, detail);
}

/** Of a value whose type is Go's own, as that of numbers or percents: shown as JSON. */
export const invalidTyped = (field: string, value: unknown, detail: string): FieldError =>
  make("FieldValueInvalid", `Invalid value: ${asJson(value)}`, field, detail);

/** A mistake of several values together: none of them is shown. */
export const invalidTogether = (field: string, detail: string): FieldError =>
  make("FieldValueInvalid", "Invalid value", field, detail);

export const typeInvalid = (field: string, value: unknown, detail: string): FieldError =>
  make("FieldValueTypeInvalid", `Invalid value: ${show(value)}`, field, detail);

/** Of a value whose type has a name in Go, as enumerations have: such strings are shown as JSON. */
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError =>
  unsupported(field, asJson(value ?? null), supported);

/** Of a plain string. */
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

/** The path of what concerns no field but the object: Go prints an empty name so. */
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

/** Several messages as an aggregate error prints them: one alone, or `[a, b]` with repeats left out. */
export function aggregateText(messages: readonly string[]): string {
  const texts = [...new Set(messages)];
  return texts.length === 1 ? (texts[0] as string) : `[${texts.join(", ")}]`;
}
