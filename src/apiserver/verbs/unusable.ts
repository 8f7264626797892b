import type { StatusError } from "../../machinery/index.ts";
import { invalid } from "../errors.ts";

/** The patched object does not decode. */
export function unusable(patched: string, problem: string): StatusError {
  return invalid({ group: "", kind: "", plural: "" }, "", [
    {
      reason: "FieldValueInvalid",
      field: "patch",
      message: `Invalid value: ${JSON.stringify(patched)}: ${problem}`,
    },
  ]);
}
