/** Fields that an endpoint resets, so that its writers do not own them (KEP-555). */
import type { KindDefinition } from "../../api/index.ts";
import { type FieldSet, fieldSetOf } from "../../machinery/index.ts";

const status = fieldSetOf(["f:status"]);
const spec = fieldSetOf(["f:spec"]);
const specAndMetadata = fieldSetOf(["f:spec"], ["f:metadata"]);

const special: Readonly<Record<string, Readonly<Record<string, FieldSet>>>> = {
  "certificatesigningrequests.certificates.k8s.io": {
    "": fieldSetOf(["f:spec"], ["f:status"]),
    status: fieldSetOf(["f:spec"], ["f:status", "f:conditions"]),
    approval: fieldSetOf(["f:spec"], ["f:status", "f:certificate"]),
  },
  "deployments.apps": { status: fieldSetOf(["f:spec"], ["f:metadata", "f:labels"]) },
  pods: {
    status: fieldSetOf(
      ["f:spec"],
      ["f:metadata", "f:deletionTimestamp"],
      ["f:metadata", "f:ownerReferences"],
    ),
  },
};

/** Undefined when the endpoint resets nothing. `subresource` is "" for the object itself. */
export function resetFields(def: KindDefinition, subresource: string): FieldSet | undefined {
  const name = def.group === "" ? def.plural : `${def.plural}.${def.group}`;
  const own = special[name]?.[subresource];
  if (own) return own;
  if (!def.status) return undefined;
  if (subresource === "" || subresource === "finalize") return status;
  if (subresource !== "status") return undefined;
  return def.statusKeepsMetadata ? specAndMetadata : spec;
}
