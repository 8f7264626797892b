/** Rules of resource.k8s.io: what claims may ask for and what drivers may offer. */
import {
  deepEqual,
  duplicate,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  notSupported,
  required,
} from "../machinery/index.ts";
import type { FieldError } from "./definition.ts";
import type { ResourceSlice, ResourceV1ResourceClaim } from "./generated/types.ts";

type ClaimSpec = NonNullable<ResourceV1ResourceClaim["spec"]>;
type DeviceRequest = NonNullable<NonNullable<ClaimSpec["devices"]>["requests"]>[number];
type Exact = NonNullable<DeviceRequest["exactly"]>;
type SubRequest = NonNullable<DeviceRequest["firstAvailable"]>[number];

const modes = ["All", "ExactCount"];

function checkName(name: string | undefined, path: string, errors: FieldError[]): void {
  if (!name) errors.push(required(path));
  else for (const text of isDns1123Label(name)) errors.push(invalid(path, name, text));
}

function checkSubdomain(name: string | undefined, path: string, errors: FieldError[]): void {
  if (!name) errors.push(required(path));
  else for (const text of isDns1123Subdomain(name)) errors.push(invalid(path, name, text));
}

export function validateClaimSpec(spec: ClaimSpec | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  (spec?.devices?.requests ?? []).forEach((request, i) => {
    const here = `${path}.devices.requests[${i}]`;
    checkName(request.name, `${here}.name`, errors);
    checkRequest(request, here, errors);
    if (request.name && seen.has(request.name)) errors.push(duplicate(here, request.name));
    seen.add(request.name);
  });
  return errors;
}

function checkRequest(request: DeviceRequest, path: string, errors: FieldError[]): void {
  const { exactly, firstAvailable = [] } = request;
  const one = "exactly one of `exactly` or `firstAvailable` is required";
  if (exactly && firstAvailable.length > 0) {
    errors.push(invalid(path, undefined, `${one}, but multiple fields are set`));
  } else if (exactly) checkDevices(exactly, `${path}.exactly`, errors);
  else if (firstAvailable.length > 0) {
    firstAvailable.forEach((each, i) => {
      const here = `${path}.firstAvailable[${i}]`;
      checkName(each.name, `${here}.name`, errors);
      checkDevices(each, here, errors);
    });
  } else errors.push(required(path, one));
}

function checkDevices(devices: Exact | SubRequest, path: string, errors: FieldError[]): void {
  checkSubdomain(devices.deviceClassName, `${path}.deviceClassName`, errors);
  const { allocationMode, count } = devices;
  if (allocationMode === "ExactCount") {
    if ((count ?? 0) <= 0) errors.push(invalid(`${path}.count`, count ?? 0, "must be greater than zero"));
  } else if (allocationMode === "All") {
    if (count)
      errors.push(
        invalid(`${path}.count`, count, `must not be specified when allocationMode is '${allocationMode}'`),
      );
  } else errors.push(notSupported(`${path}.allocationMode`, allocationMode, modes));
}

/** A claim is what it was made as: another need is another claim. */
export function immutableSpec(spec: unknown, old: unknown): FieldError[] {
  return deepEqual(spec ?? {}, old ?? {}) ? [] : [invalid("spec", spec, "field is immutable")];
}

export function validateSlice({ spec }: ResourceSlice): FieldError[] {
  const errors: FieldError[] = [];
  checkSubdomain(spec?.driver, "spec.driver", errors);
  checkPoolName(spec?.pool?.name, errors);
  const count = spec?.pool?.resourceSliceCount ?? 0;
  if (count <= 0) errors.push(invalid("spec.pool.resourceSliceCount", count, "must be greater than zero"));
  const places = (["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"] as const).filter(
    (name) => spec?.[name],
  );
  const one = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (places.length === 0) errors.push(required("spec", one));
  else if (places.length > 1) {
    const set = places.map((name) => `\`${name}\``).join(", ");
    errors.push(invalid("spec", `{${set}}`, `${one}, but multiple fields are set`));
  }
  const seen = new Set<string>();
  (spec?.devices ?? []).forEach(({ name }, i) => {
    checkName(name, `spec.devices[${i}].name`, errors);
    if (name && seen.has(name)) errors.push(duplicate(`spec.devices[${i}]`, name));
    seen.add(name);
  });
  return errors;
}

/** One or more names of domains with slashes between them. */
function checkPoolName(name: string | undefined, errors: FieldError[]): void {
  const path = "spec.pool.name";
  if (!name) errors.push(required(path));
  else
    for (const part of name.split("/"))
      for (const text of isDns1123Subdomain(part)) errors.push(invalid(path, part, text));
}
