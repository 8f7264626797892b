/** Validation of paths on nodes and in containers. */
import { invalid } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";

/** No component is `..`. */
export function noBacksteps(value: string, path: string, errors: FieldError[]): void {
  if (value.split("/").includes("..")) errors.push(invalid(path, value, "must not contain '..'"));
}

/** A relative path without `..`. */
export function descending(value: string, path: string, errors: FieldError[]): void {
  if (value.startsWith("/")) errors.push(invalid(path, value, "must be a relative path"));
  noBacksteps(value, path, errors);
}

/** Also not beginning with `..`, which atomic writers use. */
export function descendingUnreserved(value: string, path: string, errors: FieldError[]): void {
  descending(value, path, errors);
  if (value.startsWith("..") && !value.startsWith("../"))
    errors.push(invalid(path, value, "must not start with '..'"));
}

/** File permissions. */
export function fileMode(mode: number | undefined, path: string, errors: FieldError[]): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777))
    errors.push(invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive"));
}
