/** What is told when an address or a port cannot be given. */
import { invalid as invalidValue, StatusError } from "../../machinery/index.ts";
import type { AdmissionRequest } from "../admission/chain.ts";
import { invalid } from "../errors.ts";

/** A 500 that says why. */
export const allocationFailed = (text: string): StatusError =>
  new StatusError("InternalError", `Internal error occurred: ${text}`, {
    details: { causes: [{ message: text }] },
  });

export const rangeIsFull = (what: string): StatusError =>
  allocationFailed(`failed to allocate ${what}: range is full`);

/** Throws the 422 for a value that was asked for and cannot be had. */
export function refuseValue(
  { resource, name }: AdmissionRequest,
  field: string,
  value: unknown,
  detail: string,
): never {
  throw invalid(resource.def, name, [invalidValue(field, value, detail)]);
}
