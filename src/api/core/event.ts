/** Events are one thing in two spellings: v1 Event (what is stored) and events.k8s.io/v1 Event. */
import { required, invalid } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { CoreV1Event, EventsV1Event } from "../generated/types.ts";

/** Events vanish after an hour, as kube-apiserver's --event-ttl does by default. */
export const eventTtlSeconds = 3600;

/** Both spellings of each member that has two. */
const renamed: readonly (readonly [stored: string, other: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

function rename(object: object, from: 0 | 1): void {
  const members = object as Record<string, unknown>;
  for (const names of renamed) {
    const value = members[names[from]];
    delete members[names[from]];
    if (value !== undefined) members[names[1 - from] as string] = value;
  }
}

/** events.k8s.io/v1 to v1, in place. */
export function toCoreEvent(event: object): void {
  rename(event, 1);
  const made = event as CoreV1Event;
  made.apiVersion = "v1";
  made.involvedObject ??= {};
  made.source ??= {};
}

/** v1 to events.k8s.io/v1, in place. */
export function fromCoreEvent(event: object): void {
  rename(event, 0);
  (event as EventsV1Event).apiVersion = "events.k8s.io/v1";
}

export function defaultEvent(event: CoreV1Event): void {
  event.involvedObject ??= {};
  event.source ??= {};
  event.reportingComponent ??= "";
  event.reportingInstance ??= "";
}

export function validateEvent(event: CoreV1Event): FieldError[] {
  const errors: FieldError[] = [];
  const wanted = event.involvedObject?.namespace || "default";
  if (event.metadata?.namespace !== wanted) {
    errors.push(
      invalid(
        "involvedObject.namespace",
        event.involvedObject?.namespace ?? "",
        "does not match event.namespace",
      ),
    );
  }
  if (event.eventTime) {
    if (!event.reportingComponent) errors.push(required("reportingController"));
    if (!event.reportingInstance) errors.push(required("reportingInstance"));
    if (!event.action) errors.push(required("action"));
    if (!event.reason) errors.push(required("reason"));
  }
  return errors;
}

export const eventFields: Readonly<Record<string, (event: CoreV1Event) => string>> = {
  "involvedObject.kind": (event) => event.involvedObject?.kind ?? "",
  "involvedObject.namespace": (event) => event.involvedObject?.namespace ?? "",
  "involvedObject.name": (event) => event.involvedObject?.name ?? "",
  "involvedObject.uid": (event) => event.involvedObject?.uid ?? "",
  "involvedObject.apiVersion": (event) => event.involvedObject?.apiVersion ?? "",
  "involvedObject.resourceVersion": (event) => event.involvedObject?.resourceVersion ?? "",
  "involvedObject.fieldPath": (event) => event.involvedObject?.fieldPath ?? "",
  reason: (event) => event.reason ?? "",
  reportingComponent: (event) => event.reportingComponent ?? "",
  source: (event) => event.source?.component || event.reportingComponent || "",
  type: (event) => event.type ?? "",
};
