/** Query parameters of writes: metav1.CreateOptions, UpdateOptions and PatchOptions. */
import type { FieldError } from "../../api/index.ts";
import { byteLength, invalid as invalidField } from "../../machinery/index.ts";
import { invalid } from "../errors.ts";

const modes = ["", "Ignore", "Strict", "Warn"];
const maxManager = 128;

const quoted = (values: readonly string[]): string => values.map((value) => JSON.stringify(value)).join(", ");

const optionsOf: Record<string, string> = {
  create: "CreateOptions",
  update: "UpdateOptions",
  patch: "PatchOptions",
};

/** True for a dry run. Throws 422 for what is not an option. */
export function readWriteOptions(verb: string, query: URLSearchParams, apply: boolean): boolean {
  const kind = optionsOf[verb];
  if (!kind || (query.size === 0 && !apply)) return false;
  const errors: FieldError[] = [];
  const dryRun = readDryRun(
    query.getAll("dryRun").filter((value) => value !== ""),
    errors,
  );
  const mode = query.get("fieldValidation") ?? "";
  if (!modes.includes(mode)) {
    errors.push({
      reason: "FieldValueNotSupported",
      field: "fieldValidation",
      message: `Unsupported value: ${JSON.stringify(mode)}: supported values: ${quoted(modes)}`,
    });
  }
  const manager = query.get("fieldManager") ?? "";
  if (apply && manager === "") {
    errors.push({
      reason: "FieldValueRequired",
      field: "fieldManager",
      message: "Required value: is required for apply patch",
    });
  }
  checkManager(manager, errors);
  if (verb === "patch" && !apply && query.has("force")) {
    errors.push({
      reason: "FieldValueForbidden",
      field: "force",
      message: "Forbidden: may not be specified for non-apply patch",
    });
  }
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind, plural: "" }, "", errors);
  return dryRun;
}

function checkManager(manager: string, errors: FieldError[]): void {
  if (byteLength(manager) > maxManager) {
    errors.push({
      reason: "FieldValueTooLong",
      field: "fieldManager",
      message: `Too long: may not be more than ${maxManager} bytes`,
    });
  }
  let at = 0;
  for (const character of manager) {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character))
      errors.push(invalidField("fieldManager", manager, `invalid character U+${code} (at position ${at})`));
    at += byteLength(character);
  }
}

export function readDryRun(values: readonly string[] | undefined | null, errors: FieldError[]): boolean {
  if (!values || values.length === 0) return false;
  if (values.some((value) => value !== "All")) {
    errors.push({
      reason: "FieldValueNotSupported",
      field: "dryRun",
      message: `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`,
    });
  }
  return true;
}
