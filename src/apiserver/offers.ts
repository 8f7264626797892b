/** The forms in which endpoints can answer, for content negotiation. */
import type { KindDefinition } from "../api/index.ts";
import { hasProtobuf, type Offer, plainOffer } from "./codec/negotiate.ts";
import type { RequestInfo } from "./contract.ts";

/** Kinds whose /status makes no tables. */
const statusWithoutTable = new Set([
  "resource.k8s.io/resourceclaims",
  "apiextensions.k8s.io/customresourcedefinitions",
  "apiregistration.k8s.io/apiservices",
]);

function makesTables({ group, plural }: KindDefinition, subresource: string): boolean {
  if (group === "" && plural === "bindings") return false;
  if (subresource === "status") return !statusWithoutTable.has(`${group}/${plural}`);
  return subresource === "" || subresource === "scale";
}

/** Those of a stored resource. */
export function offerOf(def: KindDefinition, { verb, name, subresource }: RequestInfo): Offer {
  return {
    partial: true,
    tables: makesTables(def, subresource),
    protobuf: hasProtobuf(def),
    families: def.type !== undefined,
    text: false,
    streams: name === "" && (verb === "list" || verb === "watch"),
  };
}

/** Connections to pods, Services and nodes: their Accept header is for the backend. */
const connections = new Set(["attach", "exec", "portforward", "proxy"]);

/** Those of reviews, tokens and logs. Undefined where nothing is negotiated. */
export const specialOffer = ({ subresource }: RequestInfo): Offer | undefined =>
  connections.has(subresource) ? undefined : { ...plainOffer, partial: true, text: subresource === "log" };
