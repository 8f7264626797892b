/** Errors of the allocation of addresses and ports. */
import { invalid as invalidValue, StatusError } from "../../machinery/index.ts";
import type { AdmissionRequest } from "../admission/chain.ts";
import { invalid } from "../errors.ts";

/** 500 with a reason. */
export const allocationFailed = (text: string): StatusError =>
  new StatusError("InternalError", `Internal error occurred: ${text}`, {
    details: { causes: [{ message: text }] },
  });

export const rangeIsFull = (what: string): StatusError =>
  allocationFailed(`failed to allocate ${what}: range is full`);

/** Throws 422 for a requested value that is not available. */
export function refuseValue(
  { resource, name }: AdmissionRequest,
  field: string,
  value: unknown,
  detail: string,
): never {
  throw invalid(resource.def, name, [invalidValue(field, value, detail)]);
}
