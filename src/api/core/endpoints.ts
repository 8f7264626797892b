/** Endpoints: defaults and rules. */
import {
  deepEqual,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  isPortNumber,
  isQualifiedName,
  notSupported,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { each } from "../field-rules.ts";
import type { CoreV1EndpointPort, EndpointAddress, Endpoints } from "../generated/types.ts";
import { given } from "../given.ts";
import {
  addressWarnings,
  endpointAddressProblems,
  legacyAddressProblems,
  parseAddress,
} from "./address-rules.ts";

const protocols = ["SCTP", "TCP", "UDP"];
const lists = ["addresses", "notReadyAddresses"] as const;

export function defaultEndpoints(endpoints: Endpoints): void {
  for (const subset of endpoints.subsets ?? [])
    for (const port of subset.ports ?? []) port.protocol ||= "TCP";
}

function checkAddress(address: EndpointAddress, path: string, errors: FieldError[]): void {
  const { ip = "", hostname, nodeName } = given(address);
  errors.push(...legacyAddressProblems(`${path}.ip`, ip));
  if (hostname) each(isDns1123Label, `${path}.hostname`, hostname, errors);
  if (nodeName !== undefined) each(isDns1123Subdomain, `${path}.nodeName`, nodeName, errors);
  // Invalid addresses are reported twice.
  if (parseAddress(ip)) errors.push(...endpointAddressProblems(`${path}.ip`, ip));
  else errors.push(invalid(`${path}.ip`, ip, "must be a valid IP address"));
}

function checkPort(port_: CoreV1EndpointPort, needsName: boolean, path: string, errors: FieldError[]): void {
  const { name, port = 0, protocol, appProtocol } = given(port_);
  if (name) each(isDns1123Label, `${path}.name`, name, errors);
  else if (needsName) errors.push(required(`${path}.name`));
  for (const text of isPortNumber(port)) errors.push(invalid(`${path}.port`, port, text));
  if (!protocol) errors.push(required(`${path}.protocol`));
  else if (!protocols.includes(protocol)) errors.push(notSupported(`${path}.protocol`, protocol, protocols));
  if (appProtocol !== undefined) each(isQualifiedName, `${path}.appProtocol`, appProtocol, errors);
}

function subsetProblems(endpoints: Endpoints): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, subset] of (endpoints.subsets ?? []).entries()) {
    const path = `subsets[${i}]`;
    if (!subset.addresses?.length && !subset.notReadyAddresses?.length)
      errors.push(required(path, "must specify `addresses` or `notReadyAddresses`"));
    for (const list of lists)
      for (const [j, address] of (subset[list] ?? []).entries())
        checkAddress(address, `${path}.${list}[${j}]`, errors);
    const ports = subset.ports ?? [];
    for (const [j, port] of ports.entries()) checkPort(port, ports.length > 1, `${path}.ports[${j}]`, errors);
  }
  return errors;
}

/** Existing values may stay. */
export function validateEndpoints(endpoints: Endpoints, old?: Endpoints): FieldError[] {
  const errors = subsetProblems(endpoints);
  return errors.length > 0 && old && deepEqual(endpoints.subsets, old.subsets) ? [] : errors;
}

/** Endpoints of the endpoints controller are not checked. */
export function endpointsWarnings({ metadata, subsets = [] }: Endpoints): string[] {
  if (metadata?.labels?.["endpoints.kubernetes.io/managed-by"] === "endpoint-controller") return [];
  return subsets.flatMap((subset, i) =>
    lists.flatMap((list) =>
      (subset[list] ?? []).flatMap(({ ip }, j) => addressWarnings(`subsets[${i}].${list}[${j}].ip`, ip)),
    ),
  );
}
