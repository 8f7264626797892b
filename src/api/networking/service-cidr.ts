/** Validation of ServiceCIDR and IPAddress. */
import { invalid, isDns1123Subdomain, isPathSegmentName, required } from "../../machinery/index.ts";
import { addressTexts, cidrProblems, parseCidr } from "../core/address-rules.ts";
import type { FieldError } from "../definition.ts";
import type { IPAddress, ServiceCIDR } from "../generated/types.ts";
import { each } from "../field-rules.ts";
import { immutableText } from "../metadata.ts";

export function validateServiceCidr(each: ServiceCIDR): FieldError[] {
  const errors: FieldError[] = [];
  const path = "spec.cidrs";
  const cidrs = each.spec?.cidrs ?? [];
  if (cidrs.length === 0) return [required(path, "at least one CIDR required")];
  if (cidrs.length > 2) return [invalid(path, { CIDRs: cidrs }, "may only hold up to 2 values")];
  for (const [i, cidr] of cidrs.entries()) errors.push(...cidrProblems(`${path}[${i}]`, cidr));
  const [first, second] = cidrs;
  const family = (cidr: string | undefined): number | undefined => parseCidr(cidr ?? "")?.network.length;
  if (cidrs.length === 2 && family(first) !== undefined && family(first) === family(second)) {
    errors.push(
      invalid(
        path,
        cidrs,
        "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
      ),
    );
  }
  return errors;
}

/** The ranges are immutable; a second family may be added. */
export function validateServiceCidrUpdate(each: ServiceCIDR, old: ServiceCIDR): FieldError[] {
  const path = "spec.cidrs";
  const now = each.spec?.cidrs ?? [];
  const before = old.spec?.cidrs ?? [];
  const changed = (i: number): FieldError[] =>
    now[i] === before[i] ? [] : [invalid(`${path}[${i}]`, now[i], immutableText)];
  if (now.length === before.length) return now.flatMap((_, i) => changed(i));
  if (before.length === 1 && now.length === 2) return [...changed(0), ...validateServiceCidr(each)];
  return [invalid(path, each.spec?.cidrs, immutableText)];
}

export function validateIpAddress(address: IPAddress): FieldError[] {
  const errors: FieldError[] = [];
  const parent = address.spec?.parentRef;
  const path = "spec.parentRef";
  if (!parent) return [required(path)];
  if (parent.group) each(isDns1123Subdomain, `${path}.group`, parent.group, errors);
  if (!parent.resource) errors.push(required(`${path}.resource`));
  else each(isPathSegmentName, `${path}.resource`, parent.resource, errors);
  if (!parent.name) errors.push(required(`${path}.name`));
  else each(isPathSegmentName, `${path}.name`, parent.name, errors);
  if (parent.namespace) each(isPathSegmentName, `${path}.namespace`, parent.namespace, errors);
  return errors;
}

/** Names of IPAddress objects are canonical addresses. */
export const isAddressName = addressTexts;
