/** What the scheduler and drivers say of a claim: devices that are its, who uses them, how they are. */
import {
  deepEqual,
  forbidden,
  invalid,
  notSupported,
  required,
  sameRaw,
  settleRaw,
  tooLong,
  tooMany,
} from "../../machinery/index.ts";
import { validateNodeSelector } from "../core/pod/placement.ts";
import { validateConditions } from "../condition-rules.ts";
import type { FieldError } from "../definition.ts";
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaimConsumerReference,
  ResourceV1ResourceClaim,
} from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { configurations } from "./class.ts";
import {
  configLimit,
  requestNames,
  requestRef,
  requestRefs,
  type RequestNames,
  requestsLimit,
} from "./claim.ts";
import {
  bindingConditions,
  eachOf,
  driverName,
  label,
  poolName,
  rawObject,
  setOf,
  shareId,
} from "./names.ts";

type Claim = ResourceV1ResourceClaim;

const usersLimit = 256;
const conditionsLimit = 8;
const interfaceNameLimit = 256;
const hardwareAddressLimit = 128;
const addressesLimit = 16;
const sources = ["FromClaim", "FromClass"];

interface DeviceId {
  driver?: string;
  pool?: string;
  device?: string;
  shareID?: string;
}

/** One device, or one share of it. */
const idOf = ({ driver, pool, device, shareID }: DeviceId): string =>
  `${driver}/${pool}/${device}${shareID ? `/${shareID}` : ""}`;

function user(
  { resource, name, uid }: ResourceClaimConsumerReference,
  path: string,
  errors: FieldError[],
): void {
  if (!resource) errors.push(required(`${path}.resource`));
  if (!name) errors.push(required(`${path}.name`));
  if (!uid) errors.push(required(`${path}.uid`));
}

function result(
  given: DeviceRequestAllocationResult,
  path: string,
  errors: FieldError[],
  known: RequestNames,
): void {
  requestRef(given.request ?? "", `${path}.request`, errors, known);
  driverName(given.driver, `${path}.driver`, errors);
  poolName(given.pool, `${path}.pool`, errors);
  label(given.device, `${path}.device`, errors);
  bindingConditions(given, path, errors);
  if (given.shareID !== undefined) shareId(given.shareID, `${path}.shareID`, errors);
}

function allocation(given: AllocationResult, path: string, errors: FieldError[], known: RequestNames): void {
  const { devices, nodeSelector } = given;
  const here = `${path}.devices`;
  eachOf(devices?.results, requestsLimit, `${here}.results`, errors, (each, at) =>
    result(each, at, errors, known),
  );
  configurations(devices?.config, 2 * configLimit, `${here}.config`, errors, (each, at) => {
    if (!each.source) errors.push(required(`${at}.source`));
    else if (!sources.includes(each.source)) errors.push(notSupported(`${at}.source`, each.source, sources));
    requestRefs(each.requests, `${at}.requests`, errors, known);
  });
  if (nodeSelector) validateNodeSelector(nodeSelector, `${path}.nodeSelector`, errors);
}

function network(data: NetworkDeviceData, path: string, errors: FieldError[]): void {
  if ((data.interfaceName ?? "").length > interfaceNameLimit)
    errors.push(tooLong(`${path}.interfaceName`, interfaceNameLimit));
  if ((data.hardwareAddress ?? "").length > hardwareAddressLimit)
    errors.push(tooLong(`${path}.hardwareAddress`, hardwareAddressLimit));
  setOf(
    data.ips,
    addressesLimit,
    `${path}.ips`,
    errors,
    (address) => address,
    (address, here) => {
      const text = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
      if (!/^[0-9a-fA-F.:]+\/\d+$/.test(address)) errors.push(invalid(here, address, text));
    },
  );
}

/** As the original shows what identifies a device. */
const shown = ({ driver, pool, device, shareID = "" }: AllocatedDeviceStatus): object => ({
  Driver: driver,
  Pool: pool,
  Device: device,
  ShareID: shareID,
});

function deviceStatus(
  status: AllocatedDeviceStatus,
  path: string,
  errors: FieldError[],
  allocated: ReadonlySet<string>,
): void {
  driverName(status.driver, `${path}.driver`, errors);
  poolName(status.pool, `${path}.pool`, errors);
  label(status.device, `${path}.device`, errors);
  if (status.shareID !== undefined) shareId(status.shareID, `${path}.shareID`, errors);
  if (!allocated.has(idOf(status)))
    errors.push(invalid(path, shown(status), "must be an allocated device in the claim"));
  const conditions = status.conditions ?? [];
  if (conditions.length > conditionsLimit)
    errors.push(tooMany(`${path}.conditions`, conditions.length, conditionsLimit));
  validateConditions(conditions, `${path}.conditions`, errors);
  if (status.data !== undefined) rawObject(status.data, `${path}.data`, errors);
  if (status.networkData) network(status.networkData, `${path}.networkData`, errors);
}

const allocatedIds = (claim: Claim): Set<string> =>
  new Set((claim.status?.allocation?.devices?.results ?? []).map(idOf));

/** What is said of a device goes with it. */
export function dropDeallocated(claim: Claim, old: Claim): void {
  const [before, now] = [allocatedIds(old), allocatedIds(claim)];
  const { status } = claim;
  if (!status?.devices) return;
  const left = status.devices.filter((each) => now.has(idOf(each)) || !before.has(idOf(each)));
  if (left.length === 0) delete status.devices;
  else status.devices = left;
}

/** Within an allocation. */
const rawFields = ["devices.config.opaque.parameters"] as const;

export function validateClaimStatus(claim: Claim, old: Claim): FieldError[] {
  const errors: FieldError[] = [];
  const { status = {} } = claim;
  const known = requestNames(claim.spec?.devices);
  const users = "status.reservedFor";
  setOf(status.reservedFor, usersLimit, users, errors, (each) => each.uid ?? "", user);
  const allocated = allocatedIds(claim);
  setOf(status.devices, Number.POSITIVE_INFINITY, "status.devices", errors, idOf, (each, path) =>
    deviceStatus(each, path, errors, allocated),
  );
  if (status.reservedFor?.length) {
    const before = old.status?.reservedFor ?? [];
    const isNew = (each: unknown): boolean => !before.some((known) => deepEqual(known, each));
    const closed =
      "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
    if (!status.allocation) errors.push(forbidden(users, "may not be specified when `allocated` is not set"));
    else if (claim.metadata?.deletionTimestamp && status.reservedFor.some(isNew))
      errors.push(forbidden(users, closed));
  }
  const path = "status.allocation";
  if (status.allocation && old.status?.allocation) {
    const { allocation } = old.status;
    if (!deepEqual(status.allocation, allocation) || !sameRaw(rawFields, status.allocation, allocation)) {
      settleRaw(rawFields, status.allocation);
      errors.push(
        invalid(path, internalForm("resource.AllocationResult", status.allocation), "field is immutable"),
      );
    }
  } else if (status.allocation) allocation(status.allocation, path, errors, known);
  return errors;
}
