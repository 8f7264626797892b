/** Events are one thing in two spellings: v1 Event (what is stored) and events.k8s.io/v1 Event. */
import { isQualifiedName, required, invalid } from "../../machinery/index.ts";
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
  const newer = event as EventsV1Event;
  newer.apiVersion = "events.k8s.io/v1";
  // The newer spelling leaves out what the older one says always.
  if (newer.reportingController === "") delete newer.reportingController;
  if (newer.reportingInstance === "") delete newer.reportingInstance;
}

export function defaultEvent(event: CoreV1Event): void {
  event.involvedObject ??= {};
  event.source ??= {};
  event.reportingComponent ??= "";
  event.reportingInstance ??= "";
}

function validateReporter(name: string | undefined, path: string, errors: FieldError[]): void {
  if (!name) errors.push(required(path));
  for (const text of isQualifiedName(name ?? "")) errors.push(invalid(path, name ?? "", text));
}

const longest = 128;
const longestNote = 1024;
const types = ["Normal", "Warning"];

/** What events.k8s.io asks of a new event beyond what every event has; the object is in the stored spelling. */
export function validateNewEvent(event: CoreV1Event): FieldError[] {
  const errors = validateNamespaceOf(event);
  if (!event.eventTime) errors.push(required("eventTime"));
  else {
    validateReporter(event.reportingComponent, "reportingController", errors);
    const atMost = (value: string | undefined, path: string, limit: number): void => {
      if ((value ?? "").length > limit) {
        errors.push(invalid(path, "", `can have at most ${limit} characters`));
      }
    };
    if (!event.reportingInstance) errors.push(required("reportingInstance"));
    atMost(event.reportingInstance, "reportingInstance", longest);
    if (!event.action) errors.push(required("action"));
    atMost(event.action, "action", longest);
    if (!event.reason) errors.push(required("reason"));
    atMost(event.reason, "reason", longest);
    atMost(event.message, "message", longestNote);
  }
  if (!types.includes(event.type ?? ""))
    errors.push(invalid("type", "", `has invalid value: ${event.type ?? ""}`));
  if (event.series) {
    if ((event.series.count ?? 0) < 2) errors.push(invalid("series.count", "", "should be at least 2"));
    if (!event.series.lastObservedTime) errors.push(required("series.lastObservedTime"));
  }
  const unset = (given: unknown, path: string): void => {
    if (given) errors.push(invalid(path, "", "needs to be unset"));
  };
  unset(event.firstTimestamp, "firstTimestamp");
  unset(event.lastTimestamp, "lastTimestamp");
  unset(event.count, "count");
  unset(event.source?.component || event.source?.host, "source");
  return errors;
}

export function validateEvent(event: CoreV1Event): FieldError[] {
  const errors = validateNamespaceOf(event);
  if (event.eventTime) {
    validateReporter(event.reportingComponent, "reportingComponent", errors);
    if (!event.reportingInstance) errors.push(required("reportingInstance"));
    if (!event.action) errors.push(required("action"));
    if (!event.reason) errors.push(required("reason"));
  }
  return errors;
}

function validateNamespaceOf(event: CoreV1Event): FieldError[] {
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
