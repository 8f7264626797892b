/** discovery.k8s.io: EndpointSlice. */
import {
  deepEqual,
  duplicate,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
  notSupported,
  required,
  tooMany,
} from "../machinery/index.ts";
import { ageColumn, column, firstThree, nameColumn } from "./columns.ts";
import {
  addressProblems,
  addressWarnings,
  endpointAddressProblems,
  legacyAddressProblems,
  parseAddress,
} from "./core/address-rules.ts";
import type { FieldError, KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";
import { specChanged } from "./strategies.ts";
import { domainNameProblems, each } from "./field-rules.ts";
import type { EndpointHints, EndpointSlice } from "./generated/types.ts";
import { immutable } from "./metadata.ts";

const define = kindsOf("discovery.k8s.io", "v1", "io.k8s.api.discovery.v1");
const addressTypes = ["FQDN", "IPv4", "IPv6"];

function defaults(slice: EndpointSlice): void {
  for (const port of slice.ports ?? []) {
    port.name ??= "";
    port.protocol ??= "TCP";
  }
}

const protocols = ["SCTP", "TCP", "UDP"];

function validatePorts(slice: EndpointSlice, errors: FieldError[]): void {
  const ports = slice.ports ?? [];
  if (ports.length > 20_000) {
    errors.push(tooMany("ports", ports.length, 20_000));
    return;
  }
  const seen = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const path = `ports[${i}]`;
    const { name = "", protocol, appProtocol } = port;
    if (name !== "") each(isDns1123Label, `${path}.name`, name, errors);
    if (seen.has(name)) errors.push(duplicate(`${path}.name`, name));
    seen.add(name);
    if (protocol === undefined) errors.push(required(`${path}.protocol`));
    else if (!protocols.includes(protocol))
      errors.push(notSupported(`${path}.protocol`, protocol, protocols));
    if (appProtocol !== undefined) each(isQualifiedName, `${path}.appProtocol`, appProtocol, errors);
  }
}

function validateAddress(slice: EndpointSlice, address: string, list: string, i: number): FieldError[] {
  const path = `${list}[${i}]`;
  const type = slice.addressType;
  if (type === "FQDN") return domainNameProblems(path, address);
  if (type !== "IPv4" && type !== "IPv6") return [];
  const errors = type === "IPv4" ? legacyAddressProblems(path, address) : addressProblems(path, address);
  if (errors.length > 0) return errors;
  const size = parseAddress(address)?.bytes.length;
  if (size !== (type === "IPv4" ? 4 : 16)) errors.push(invalid(list, address, `must be an ${type} address`));
  errors.push(...endpointAddressProblems(path, address));
  return errors;
}

const mostHints = 8;

function validateHints(
  { forZones = [], forNodes = [] }: EndpointHints,
  path: string,
  errors: FieldError[],
): void {
  for (const [member, hints, rule] of [
    ["forZones", forZones, isLabelValue],
    ["forNodes", forNodes, isDns1123Subdomain],
  ] as const) {
    if (hints.length > mostHints) {
      errors.push(tooMany(`${path}.${member}`, hints.length, mostHints));
      return;
    }
    const seen = new Set<string>();
    for (const [i, { name = "" }] of hints.entries()) {
      const here = `${path}.${member}[${i}].name`;
      if (seen.has(name)) errors.push(duplicate(here, name));
      seen.add(name);
      each(rule, here, name, errors);
    }
  }
}

function validateEndpoints(slice: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > 1000) return [tooMany("endpoints", endpoints.length, 1000)];
  for (const [i, endpoint] of endpoints.entries()) {
    const path = `endpoints[${i}]`;
    const addresses = endpoint.addresses ?? [];
    if (addresses.length === 0) errors.push(required(`${path}.addresses`, "must contain at least 1 address"));
    else if (addresses.length > 100) errors.push(tooMany(`${path}.addresses`, addresses.length, 100));
    for (const [j, address] of addresses.entries())
      errors.push(...validateAddress(slice, address, `${path}.addresses`, j));
    if (endpoint.nodeName !== undefined)
      each(isDns1123Subdomain, `${path}.nodeName`, endpoint.nodeName, errors);
    if (endpoint.hostname !== undefined) each(isDns1123Label, `${path}.hostname`, endpoint.hostname, errors);
    if (endpoint.hints) validateHints(endpoint.hints, `${path}.hints`, errors);
  }
  return errors;
}

/** Existing invalid endpoints may stay. */
function validate(slice: EndpointSlice, old?: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required("addressType"));
  else if (!addressTypes.includes(slice.addressType)) {
    errors.push(notSupported("addressType", slice.addressType, addressTypes));
  }
  validatePorts(slice, errors);
  const found = validateEndpoints(slice);
  if (found.length > 0 && !(old && deepEqual(old.endpoints ?? [], slice.endpoints ?? [])))
    errors.push(...found);
  return errors;
}

const controllers = ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];

function warnings(slice: EndpointSlice, old?: EndpointSlice): string[] {
  const texts =
    !old && slice.addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : [];
  const by = slice.metadata?.labels?.["endpointslice.kubernetes.io/managed-by"];
  if (by !== undefined && controllers.includes(by)) return texts;
  for (const [i, { addresses = [] }] of (slice.endpoints ?? []).entries())
    for (const [j, address] of addresses.entries())
      texts.push(...addressWarnings(`endpoints[${i}].addresses[${j}]`, address));
  return texts;
}

/** Removed in v1: topology is in separate fields. */
function dropTopology(slice: EndpointSlice, old?: EndpointSlice): void {
  if (old && deepEqual(old.endpoints ?? [], slice.endpoints ?? [])) return;
  for (const endpoint of slice.endpoints ?? []) delete endpoint.deprecatedTopology;
}

export const discoveryKinds: readonly KindDefinition[] = [
  define<EndpointSlice>({
    kind: "EndpointSlice",
    plural: "endpointslices",
    generation: true,
    defaults,
    prepareForCreate: (slice) => dropTopology(slice),
    prepareForUpdate: dropTopology,
    changesGeneration: (slice, old) =>
      specChanged(slice, old) || !deepEqual(slice.metadata?.labels ?? {}, old.metadata?.labels ?? {}),
    generationFirst: true,
    onUpdate: ["metadata", "change"],
    validate: (slice) => validate(slice),
    warnings,
    validateUpdate(slice, old) {
      const errors = validate(slice, old);
      immutable("addressType", slice.addressType, old.addressType, errors);
      return errors;
    },
    columns: [
      nameColumn,
      column<EndpointSlice>("AddressType", "string", (slice) => slice.addressType),
      column<EndpointSlice>("Ports", "string", (slice) =>
        firstThree((slice.ports ?? []).map((port) => String(port.port ?? port.name ?? "*"))),
      ),
      column<EndpointSlice>("Endpoints", "string", (slice) =>
        firstThree((slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? [])),
      ),
      ageColumn,
    ],
  }),
];
