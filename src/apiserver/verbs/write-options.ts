/** Query parameters of writes: metav1.CreateOptions, UpdateOptions and PatchOptions. */
import { type FieldError, validateManagerName } from "../../api/index.ts";
import { invalid } from "../errors.ts";

const modes = ["", "Ignore", "Strict", "Warn"];

const quoted = (values: readonly string[]): string => values.map((value) => JSON.stringify(value)).join(", ");

const optionsOf: Record<string, string> = {
  create: "CreateOptions",
  update: "UpdateOptions",
  patch: "PatchOptions",
};

/** True for a dry run. Throws 422 for an invalid option. */
export function readWriteOptions(verb: string, query: URLSearchParams, apply: boolean): boolean {
  const kind = optionsOf[verb];
  if (!kind || (query.size === 0 && !apply)) return false;
  const errors: FieldError[] = [];
  const dryRun = readDryRun(query.getAll("dryRun"), errors);
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
  validateManagerName(manager, "fieldManager", errors);
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
