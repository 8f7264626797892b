/** Validation of LimitRanges. */
import {
  compareQuantity,
  duplicate,
  forbidden,
  invalid,
  isQualifiedName,
  milliValue,
  quantityValue,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { LimitRange, LimitRangeItem } from "../generated/types.ts";
import { given } from "../given.ts";
import { mayOvercommit, validateContainerResourceName, validateResourceName } from "./resource-names.ts";

const types = new Set(["Pod", "Container", "PersistentVolumeClaim"]);
const lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;
const defaults: ReadonlySet<string> = new Set(["default", "defaultRequest"]);

/** For containers, default limits follow from max, default requests from limits and min. */
export function defaultLimitRange(range: LimitRange): void {
  range.spec ??= { limits: null as never };
  for (const item of range.spec.limits ?? []) {
    if (item.type !== "Container") continue;
    const limits = { ...item.max, ...item.default };
    const requests = { ...item.min, ...limits, ...item.defaultRequest };
    if (Object.keys(limits).length > 0) item.default = limits;
    if (Object.keys(requests).length > 0) item.defaultRequest = requests;
  }
}

export function validateLimitRange(range: LimitRange): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, item] of (range.spec?.limits ?? []).entries()) {
    const path = `spec.limits[${i}]`;
    const { type = "" } = given(item);
    const texts = isQualifiedName(type);
    for (const text of texts) errors.push(invalid(`${path}.type`, type, text));
    if (texts.length === 0 && !type.includes("/") && !types.has(type))
      errors.push(invalid(`${path}.type`, type, "must be a standard limit type or fully qualified"));
    if (seen.has(type)) errors.push(duplicate(`${path}.type`, type));
    seen.add(type);
    checkItem(item, path, errors);
  }
  return errors;
}

function checkItem(item: LimitRangeItem, path: string, errors: FieldError[]): void {
  const ofContainers = item.type === "Pod" || item.type === "Container";
  const check = ofContainers ? validateContainerResourceName : validateResourceName;
  const names = new Set<string>();
  for (const list of lists) {
    if (list === "maxLimitRequestRatio" && item.type === "PersistentVolumeClaim") {
      const text = "either minimum or maximum storage value is required, but neither was provided";
      if (item.min?.storage === undefined && item.max?.storage === undefined)
        errors.push(required(`${path}.limits`, text));
    }
    const given = Object.keys(item[list] ?? {}).sort();
    if (item.type === "Pod" && defaults.has(list)) {
      if (given.length > 0)
        errors.push(forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'"));
      continue;
    }
    for (const name of given) {
      check(name, `${path}.${list}[${name}]`, errors);
      names.add(name);
    }
  }
  for (const name of names) checkBounds(item, name, path, errors);
}

/** min <= defaultRequest <= default <= max, and satisfiable ratios. */
function checkBounds(item: LimitRangeItem, name: string, path: string, errors: FieldError[]): void {
  const withDefaults = item.type !== "Pod";
  const [max, min] = [item.max?.[name], item.min?.[name]];
  const limit = withDefaults ? item.default?.[name] : undefined;
  const request = withDefaults ? item.defaultRequest?.[name] : undefined;
  const above = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && compareQuantity(a, b) > 0;
  const say = (list: string, value: string | undefined, text: string): void => {
    errors.push(invalid(`${path}.${list}[${name}]`, value ?? "", text));
  };
  if (above(min, max)) say("min", min, `min value ${min} is greater than max value ${max}`);
  if (above(min, request))
    say("defaultRequest", request, `min value ${min} is greater than default request value ${request}`);
  if (above(request, max))
    say("defaultRequest", request, `default request value ${request} is greater than max value ${max}`);
  if (above(request, limit)) {
    const text = `default request value ${request} is greater than default limit value ${limit}`;
    say("defaultRequest", request, text);
  }
  if (above(min, limit)) say("default", min, `min value ${min} is greater than default value ${limit}`);
  if (above(limit, max)) say("default", max, `default value ${limit} is greater than max value ${max}`);
  checkRatio(item.maxLimitRequestRatio?.[name], min, max, (ratio, text) =>
    say("maxLimitRequestRatio", ratio, text),
  );
  if (
    !mayOvercommit(name) &&
    limit !== undefined &&
    request !== undefined &&
    compareQuantity(limit, request) !== 0
  )
    say(
      "defaultRequest",
      request,
      `default value ${limit} must equal to defaultRequest value ${request} in ${name}`,
    );
}

/** The largest value whose thousandths fit into an int64. */
const maxMilliValue = 2 ** 63 / 1000;

/** A quantity in the reader's unit; 0 for values beyond an int64. */
const counted = (quantity: string, read: (quantity: string) => number): number =>
  compareQuantity(quantity, "9223372036854775807") > 0 ? 0 : read(quantity);

function checkRatio(
  ratio: string | undefined,
  min: string | undefined,
  max: string | undefined,
  say: (ratio: string, text: string) => void,
): void {
  if (ratio === undefined) return;
  if (compareQuantity(ratio, "1") < 0) say(ratio, `ratio ${ratio} is less than 1`);
  if (min === undefined || max === undefined) return;
  const values = [ratio, min, max].map((each) => counted(each, quantityValue)) as [number, number, number];
  // Values too large for thousandths are counted in units, rounded up.
  const [wanted, least, most] = values.some((each) => each >= maxMilliValue)
    ? values
    : [counted(ratio, milliValue) / 1000, counted(min, milliValue), counted(max, milliValue)];
  const highest = most / least;
  if (wanted > highest) say(ratio, `ratio ${ratio} is greater than max/min = ${highest.toFixed(6)}`);
}
