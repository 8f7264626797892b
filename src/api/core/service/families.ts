/** A Service's addresses and IP families: consistency and defaults. */
import { duplicate, invalid, notSupported, required } from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { Service } from "../../generated/types.ts";
import { legacyAddressProblems, parseAddress } from "../address-rules.ts";
import { isHeadless, sameList, specOf } from "./types.ts";

const families = ["IPv4", "IPv6"];
const policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const path = "spec.clusterIPs";

const familyOf = (address: string): string => {
  const bytes = parseAddress(address)?.bytes.length;
  return bytes === 4 ? "IPv4" : bytes === 16 ? "IPv6" : "unknown";
};

/** Errors of the addresses and families themselves. */
export function familyProblems(service: Service, old: Service | undefined): FieldError[] {
  const spec = specOf(service);
  if (spec.type === "ExternalName") return [];
  const errors: FieldError[] = [];
  const addresses = spec.clusterIPs ?? [];
  if (spec.clusterIP) {
    if (addresses.length === 0) errors.push(required(path));
    else if (addresses[0] !== spec.clusterIP)
      errors.push(invalid(path, addresses, "first value must match `clusterIP`"));
  } else if (addresses.length > 0)
    errors.push(invalid(path, addresses, "must be empty when `clusterIP` is not specified"));
  const seen = new Set<string>();
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (!families.includes(family)) errors.push(notSupported(`spec.ipFamilies[${i}]`, family, families));
    if (seen.has(family)) errors.push(duplicate(`spec.ipFamilies[${i}]`, family));
    seen.add(family);
  }
  const { ipFamilyPolicy: policy } = spec;
  if (policy !== undefined && !policies.includes(policy))
    errors.push(notSupported("spec.ipFamilyPolicy", policy, policies));
  const wrong: FieldError[] = [];
  for (const [i, address] of addresses.entries()) {
    if (i > 0 || address !== "None")
      wrong.push(...legacyAddressProblems(`${path}[${i}]`, address, old?.spec?.clusterIPs));
    else if (addresses.length > 1)
      wrong.push(invalid(path, addresses, "'None' must be the first and only value"));
  }
  errors.push(...wrong);
  if (addresses.length > 2) errors.push(invalid(path, addresses, "may only hold up to 2 values"));
  // Further errors would repeat it.
  if (wrong.length > 0) return errors;
  if (addresses.length > 1 && (addresses.length !== 2 || new Set(addresses.map(familyOf)).size !== 2))
    errors.push(invalid(path, addresses, "may specify no more than one IP for each IP family"));
  if (isHeadless(spec)) return errors;
  for (const [i, address] of addresses.entries()) {
    const family = spec.ipFamilies?.[i];
    if (family === undefined || !families.includes(family) || familyOf(address) === family) continue;
    const text = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``;
    errors.push(invalid(`${path}[${i}]`, address, text));
  }
  return errors;
}

/**
 * Defaults policy and families for a single-stack cluster; returns errors. Runs before allocation and other validation.
 */
export function settleFamilies(service: Service, old: Service | undefined, configured: string): FieldError[] {
  const spec = specOf(service);
  const before = old && specOf(old);
  if (spec.type === "ExternalName" || (old && isUnchanged(service, old))) return [];
  const selects = Object.keys(spec.selector ?? {}).length > 0;
  const free = spec.clusterIP === "None" && !selects;
  spec.ipFamilyPolicy ??= before?.ipFamilyPolicy ?? (free ? "RequireDualStack" : "SingleStack");
  const first = familyProblems(service, old);
  if (first.length > 0) return first;
  const policy = spec.ipFamilyPolicy;
  const errors: FieldError[] = [];
  const refuse = (text: string): void => void errors.push(invalid("spec.ipFamilyPolicy", policy, text));
  const counts = (): { addresses: number; families: number } => ({
    addresses: spec.clusterIPs?.length ?? 0,
    families: spec.ipFamilies?.length ?? 0,
  });
  if (before && policy === "SingleStack") {
    if (sameList(spec.clusterIPs, before.clusterIPs) && counts().addresses > 1)
      spec.clusterIPs = spec.clusterIPs?.slice(0, 1) ?? [];
    if (sameList(spec.ipFamilies, before.ipFamilies) && counts().families > 1)
      spec.ipFamilies = spec.ipFamilies?.slice(0, 1) ?? [];
  } else if (before) {
    const { addresses, families } = counts();
    if (addresses > 0 && addresses < (before.clusterIPs?.length ?? 0))
      refuse("must be 'SingleStack' to release the secondary cluster IP");
    if (families > 0 && families < (before.ipFamilies?.length ?? 0))
      refuse("must be 'SingleStack' to release the secondary IP family");
  }
  if (policy === "SingleStack") {
    const several = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
    if (counts().addresses === 2) refuse(`${several} cluster IPs are specified`);
    if (counts().families === 2) refuse(`${several} IP families are specified`);
  }
  for (const [i, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === "None") break;
    if (i < counts().families) continue;
    const family = familyOf(address);
    if (family === configured) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else
      errors.push(
        invalid(`${path}[${i}]`, spec.clusterIPs ?? null, `${family} is not configured on this cluster`),
      );
  }
  if (errors.length > 0) return errors;
  if (free) {
    // For Services without selector only the user knows the endpoints.
    const families = spec.ipFamilies?.length ? spec.ipFamilies : [configured];
    const other = families[0] === "IPv4" ? "IPv6" : "IPv4";
    spec.ipFamilies = families.length < 2 && policy !== "SingleStack" ? [...families, other] : families;
    return [];
  }
  if (policy === "RequireDualStack") refuse("this cluster is not configured for dual-stack services");
  for (const [i, family] of (spec.ipFamilies ?? []).entries())
    if (family !== configured)
      errors.push(invalid(`spec.ipFamilies[${i}]`, family, "not configured on this cluster"));
  if (errors.length === 0 && !spec.ipFamilies?.length) spec.ipFamilies = [configured];
  return errors;
}

/** A PreferDualStack Service keeps its families. */
export function isUnchanged(service: Service, old: Service): boolean {
  const [spec, before] = [specOf(service), specOf(old)];
  const preferred = "PreferDualStack";
  return (
    spec.ipFamilyPolicy === preferred &&
    (before.ipFamilyPolicy ?? preferred) === preferred &&
    spec.type === before.type &&
    ["ClusterIP", "NodePort", "LoadBalancer"].includes(spec.type ?? "") &&
    sameList(spec.clusterIPs, before.clusterIPs) &&
    sameList(spec.ipFamilies, before.ipFamilies)
  );
}
