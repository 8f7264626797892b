/** Events have two versions: v1 Event (stored) and events.k8s.io/v1 Event. */
import {
  byteLength,
  deepEqual,
  invalid,
  isDns1123Subdomain,
  isQualifiedName,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { each } from "../field-rules.ts";
import type { CoreV1Event, EventsV1Event } from "../generated/types.ts";
import { given } from "../given.ts";
import { internalForm } from "../internal-form.ts";
import { immutableText } from "../metadata.ts";

/** Events expire after an hour, like kube-apiserver's --event-ttl by default. */
export const eventTtlSeconds = 3600;

/** Names of each field in both versions. */
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
  // The newer version omits fields that the older one always has.
  if (newer.reportingController === "") delete newer.reportingController;
  if (newer.reportingInstance === "") delete newer.reportingInstance;
}

export function defaultEvent(event: CoreV1Event): void {
  event.involvedObject ??= {};
  event.source ??= {};
  event.reportingComponent ??= "";
  event.reportingInstance ??= "";
}

const longest = 128;
const longestNote = 1024;
const types = ["Normal", "Warning"];

/** Validation of all events. `reporter`: the field's name in the version of the request. */
export function validateEvent(
  event: CoreV1Event,
  reporter: "reportingComponent" | "reportingController",
): FieldError[] {
  const errors: FieldError[] = [];
  const namespace = event.metadata?.namespace ?? "";
  checkPlace(event, namespace, errors);
  if (event.eventTime) checkReport(event, reporter, errors);
  each(isDns1123Subdomain, "namespace", namespace, errors);
  return errors;
}

/** An event must be in its object's namespace. */
function checkPlace(
  { eventTime, involvedObject }: CoreV1Event,
  namespace: string,
  errors: FieldError[],
): void {
  const { namespace: wanted = "" } = given(involvedObject);
  const fits =
    wanted !== "" && !eventTime
      ? wanted === namespace
      : wanted !== "" ||
        namespace === "default" ||
        (eventTime ? namespace === "kube-system" : namespace === "");
  if (!fits) errors.push(invalid("involvedObject.namespace", wanted, "does not match event.namespace"));
}

function checkReport(event: CoreV1Event, reporter: string, errors: FieldError[]): void {
  const { reportingComponent = "", reportingInstance, action, reason, message } = given(event);
  if (reportingComponent === "") errors.push(required(reporter));
  each(isQualifiedName, reporter, reportingComponent, errors);
  const atMost = (value: string | undefined, path: string, limit: number): void => {
    if (byteLength(value ?? "") > limit)
      errors.push(invalid(path, "", `can have at most ${limit} characters`));
  };
  for (const [path, value] of Object.entries({ reportingInstance, action, reason })) {
    if (!value) errors.push(required(path));
    atMost(value, path, longest);
  }
  atMost(message, "message", longestNote);
}

function checkSeries({ series }: CoreV1Event, errors: FieldError[]): void {
  if (!series) return;
  if ((series.count ?? 0) < 2) errors.push(invalid("series.count", "", "should be at least 2"));
  if (!series.lastObservedTime) errors.push(required("series.lastObservedTime"));
}

/** Further rules of events.k8s.io for new events; the object is in the stored version. */
export function validateNewEvent(event: CoreV1Event): FieldError[] {
  const errors: FieldError[] = [];
  checkSeries(event, errors);
  if (!event.eventTime) errors.push(required("eventTime"));
  const { type = "" } = event;
  if (!types.includes(type)) errors.push(invalid("type", "", `has invalid value: ${type}`));
  const unset = (value: unknown, path: string): void => {
    if (value) errors.push(invalid(path, "", "needs to be unset"));
  };
  unset(event.firstTimestamp, "firstTimestamp");
  unset(event.lastTimestamp, "lastTimestamp");
  unset(event.count, "count");
  unset(event.source?.component || event.source?.host, "source");
  return errors;
}

/** In events.k8s.io only the series is mutable; the objects are in the stored version. */
export function validateEventUpdate(event: CoreV1Event, old: CoreV1Event): FieldError[] {
  const errors: FieldError[] = [];
  if (!deepEqual(event.series, old.series)) checkSeries(event, errors);
  const fixed = (path: string, value: unknown, before: unknown, shown: unknown = value): void => {
    if (!deepEqual(value, before)) errors.push(invalid(path, shown, immutableText));
  };
  const reference = (value: object | undefined): unknown =>
    value ? internalForm("core.ObjectReference", value) : null;
  fixed("involvedObject", event.involvedObject, old.involvedObject, reference(event.involvedObject));
  fixed("reason", event.reason ?? "", old.reason ?? "");
  fixed("message", event.message ?? "", old.message ?? "");
  const source = event.source ?? {};
  fixed("source", source, old.source ?? {}, internalForm("core.EventSource", source));
  fixed("firstTimestamp", event.firstTimestamp ?? null, old.firstTimestamp ?? null);
  fixed("lastTimestamp", event.lastTimestamp ?? null, old.lastTimestamp ?? null);
  fixed("count", event.count ?? 0, old.count ?? 0);
  fixed("reason", event.reason ?? "", old.reason ?? "");
  fixed("type", event.type ?? "", old.type ?? "");
  fixed("eventTime", event.eventTime ?? null, old.eventTime ?? null);
  fixed("action", event.action ?? "", old.action ?? "");
  fixed("related", event.related, old.related, reference(event.related));
  fixed("reportingController", event.reportingComponent ?? "", old.reportingComponent ?? "");
  fixed("reportingInstance", event.reportingInstance ?? "", old.reportingInstance ?? "");
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
