/** What a claim may ask for. */
import { deepEqual, invalid, notSupported, required, sameRaw, settleRaw } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceV1ResourceClaim,
} from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { configurations, selectors } from "./class.ts";
import { className, eachOf, fullyQualifiedName, label, setOf } from "./names.ts";
import { toleration } from "./taints.ts";

type ClaimSpec = NonNullable<ResourceV1ResourceClaim["spec"]>;

export const requestsLimit = 32;
const constraintsLimit = 32;
export const configLimit = 32;
const alternativesLimit = 8;
const tolerationsLimit = 16;
const modes = ["All", "ExactCount"];

/** The names constraints may refer to: of requests, each with those of its alternatives. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>;

export function requestNames(devices: DeviceClaim | undefined): RequestNames {
  const named = (devices?.requests ?? []).map(
    ({ name, firstAvailable = [] }) =>
      [name ?? "", new Set(firstAvailable.map((each) => each.name ?? ""))] as const,
  );
  return new Map(named);
}

const unknownRequest =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

export function requestRef(name: string, path: string, errors: FieldError[], known: RequestNames): void {
  const [request = "", alternative, ...more] = name.split("/");
  if (more.length > 0) {
    errors.push(invalid(path, name, unknownRequest));
    return;
  }
  label(request, path, errors);
  if (alternative !== undefined) label(alternative, path, errors);
  const found = known.get(request);
  if (!found || (alternative !== undefined && !found.has(alternative)))
    errors.push(invalid(path, name, unknownRequest));
}

export function requestRefs(
  names: string[] | undefined,
  path: string,
  errors: FieldError[],
  known: RequestNames,
): void {
  setOf(
    names,
    requestsLimit,
    path,
    errors,
    (name) => name,
    (name, here) => requestRef(name, here, errors, known),
  );
}

export function validateClaimSpec(spec: ClaimSpec | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const devices = spec?.devices;
  const known = requestNames(devices);
  const here = `${path}.devices`;
  setOf(devices?.requests, requestsLimit, `${here}.requests`, errors, (each) => each.name ?? "", request);
  eachOf(devices?.constraints, constraintsLimit, `${here}.constraints`, errors, (each, at) =>
    constraint(each, at, errors, known),
  );
  configurations(devices?.config, configLimit, `${here}.config`, errors, (each, at) =>
    requestRefs(each.requests, `${at}.requests`, errors, known),
  );
  return errors;
}

function request(asked: DeviceRequest, path: string, errors: FieldError[]): void {
  label(asked.name, `${path}.name`, errors);
  const { exactly, firstAvailable = [] } = asked;
  const one = "exactly one of `exactly` or `firstAvailable` is required";
  if (exactly && firstAvailable.length > 0) {
    errors.push(invalid(path, undefined, `${one}, but multiple fields are set`));
  } else if (exactly) devicesOf(exactly, `${path}.exactly`, errors);
  else if (firstAvailable.length > 0) {
    const at = `${path}.firstAvailable`;
    setOf(
      firstAvailable,
      alternativesLimit,
      at,
      errors,
      (each) => each.name ?? "",
      (each, here) => {
        label(each.name, `${here}.name`, errors);
        devicesOf(each, here, errors);
      },
    );
  } else errors.push(required(path, one));
}

function devicesOf(asked: ExactDeviceRequest | DeviceSubRequest, path: string, errors: FieldError[]): void {
  className(asked.deviceClassName, `${path}.deviceClassName`, errors);
  selectors(asked.selectors, `${path}.selectors`, errors);
  const { allocationMode, count } = asked;
  if (allocationMode === "ExactCount") {
    if ((count ?? 0) <= 0) errors.push(invalid(`${path}.count`, count ?? 0, "must be greater than zero"));
  } else if (allocationMode === "All") {
    const text = `must not be specified when allocationMode is '${allocationMode}'`;
    if (count) errors.push(invalid(`${path}.count`, count, text));
  } else errors.push(notSupported(`${path}.allocationMode`, allocationMode, modes));
  eachOf(asked.tolerations, tolerationsLimit, `${path}.tolerations`, errors, toleration);
}

function constraint(
  { requests, matchAttribute, distinctAttribute }: DeviceConstraint,
  path: string,
  errors: FieldError[],
  known: RequestNames,
): void {
  requestRefs(requests, `${path}.requests`, errors, known);
  if (matchAttribute !== undefined) fullyQualifiedName(matchAttribute, `${path}.matchAttribute`, errors);
  else if (distinctAttribute !== undefined)
    fullyQualifiedName(distinctAttribute, `${path}.distinctAttribute`, errors);
  else
    errors.push(
      required(
        path,
        'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
      ),
    );
}

/** A claim is what it was made as: another need is another claim. `type`: what the spec is internally. */
export function immutableSpec(
  type: string,
  rawFields: readonly string[],
  spec: object | undefined,
  old: object | undefined,
): FieldError[] {
  if (deepEqual(spec ?? {}, old ?? {}) && sameRaw(rawFields, spec, old)) return [];
  settleRaw(rawFields, spec);
  return [invalid("spec", internalForm(type, spec ?? {}), "field is immutable")];
}
