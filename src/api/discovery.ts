/** discovery.k8s.io: EndpointSlice. */
import { duplicate, invalid, isPortName, notSupported, required, tooMany } from "../machinery/index.ts";
import { ageColumn, column, firstThree, nameColumn } from "./columns.ts";
import type { FieldError, KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";
import type { EndpointSlice } from "./generated/types.ts";
import { immutable } from "./metadata.ts";

const define = kindsOf("discovery.k8s.io", "v1", "io.k8s.api.discovery.v1");
const addressTypes = ["FQDN", "IPv4", "IPv6"];

function defaults(slice: EndpointSlice): void {
  slice.endpoints ??= [];
  for (const port of slice.ports ?? []) {
    port.name ??= "";
    port.protocol ??= "TCP";
  }
}

function validate(slice: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required("addressType"));
  else if (!addressTypes.includes(slice.addressType)) {
    errors.push(notSupported("addressType", slice.addressType, addressTypes));
  }
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > 1000) errors.push(tooMany("endpoints", endpoints.length, 1000));
  for (const [i, endpoint] of endpoints.entries()) {
    const path = `endpoints[${i}].addresses`;
    if (!endpoint.addresses?.length) errors.push(required(path, "must contain at least 1 address"));
    else if (endpoint.addresses.length > 100) errors.push(tooMany(path, endpoint.addresses.length, 100));
  }
  const seen = new Set<string>();
  for (const [i, port] of (slice.ports ?? []).entries()) {
    const path = `ports[${i}]`;
    const name = port.name ?? "";
    if (seen.has(name)) errors.push(duplicate(`${path}.name`, name));
    seen.add(name);
    if (name !== "") for (const text of isPortName(name)) errors.push(invalid(`${path}.name`, name, text));
    if (port.protocol && !["SCTP", "TCP", "UDP"].includes(port.protocol)) {
      errors.push(notSupported(`${path}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"]));
    }
  }
  return errors;
}

export const discoveryKinds: readonly KindDefinition[] = [
  define<EndpointSlice>({
    kind: "EndpointSlice",
    plural: "endpointslices",
    generation: true,
    defaults,
    validate,
    validateUpdate(slice, old) {
      const errors: FieldError[] = [];
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
