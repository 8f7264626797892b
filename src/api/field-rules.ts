/** Validators of fields, shared by several groups. */
import { invalid, isDns1123Label, isDns1123Subdomain, required } from "../machinery/index.ts";
import type { FieldError } from "./definition.ts";

export const negativeText = "must be greater than or equal to 0";

export function notNegative(value: number | undefined, path: string, errors: FieldError[]): void {
  if (value !== undefined && value < 0) errors.push(invalid(path, value, negativeText));
}

/** Reports the errors of a rule. */
export function each(
  rule: (value: string) => readonly string[],
  path: string,
  value: string,
  errors: FieldError[],
): void {
  for (const text of rule(value)) errors.push(invalid(path, value, text));
}

const httpPath = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

/** `acme.io/foo` */
export function domainPathProblems(path: string, value: string | undefined): FieldError[] {
  if (!value) return [required(path)];
  const slash = value.indexOf("/");
  if (slash <= 0 || slash === value.length - 1)
    return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const errors: FieldError[] = [];
  const [host, rest] = [value.slice(0, slash), value.slice(slash + 1)];
  each(isDns1123Subdomain, path, host, errors);
  if (!httpPath.test(rest)) {
    const text = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
    errors.push(invalid(path, rest, text));
  }
  return errors;
}

/** `a.example.com`, with at least two labels; it may end with a dot. */
export function domainNameProblems(path: string, value: string): FieldError[] {
  if (value === "") return [required(path)];
  const name = value.endsWith(".") ? value.slice(0, -1) : value;
  const texts = isDns1123Subdomain(name);
  if (texts.length > 0) return [invalid(path, name, texts.join(","))];
  const labels = name.split(".");
  if (labels.length < 2)
    return [invalid(path, name, "should be a domain with at least two segments separated by dots")];
  for (const label of labels) {
    const wrong = isDns1123Label(label);
    if (wrong.length > 0) return [invalid(path, label, wrong.join(","))];
  }
  return [];
}
