/** events.k8s.io: the newer version of Event, stored as v1 Event. */
import type { KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";
import { eventColumns } from "./core/columns.ts";
import {
  defaultEvent,
  eventFields,
  eventTtlSeconds,
  fromCoreEvent,
  toCoreEvent,
  validateEvent,
  validateEventUpdate,
  validateNewEvent,
} from "./core/event.ts";
import type { CoreV1Event } from "./generated/types.ts";
import type { KubeObject } from "./meta.ts";

const define = kindsOf("events.k8s.io", "v1", "io.k8s.api.events.v1");

/** The stored version of an event in either; the given object is not changed. */
function stored(event: KubeObject): KubeObject {
  if (event.apiVersion === "v1" || "involvedObject" in event) return event;
  const copy = { ...event };
  toCoreEvent(copy);
  return copy;
}

/** Field selectors use this version's names for the stored fields. */
const newerNames = Object.fromEntries([
  ...Object.entries(eventFields).flatMap(([name, read]) =>
    name.startsWith("involvedObject.") || name === "reason" || name === "type"
      ? [[name.replace("involvedObject", "regarding"), read] as const]
      : [],
  ),
  ["reportingController", (event: CoreV1Event) => event.reportingComponent ?? ""],
]);

/** Defaults, validation, columns and field selectors use the stored (v1) version. */
export const eventsKinds: readonly KindDefinition[] = [
  define<CoreV1Event>({
    kind: "Event",
    plural: "events",
    shortNames: ["ev"],
    columns: eventColumns.map((column) => ({
      ...column,
      cell: (event, now) => column.cell(stored(event), now),
    })),
    defaults: defaultEvent,
    onCreate: ["object", "metadata"],
    onUpdate: ["object", "metadataChange", "change"],
    validate: (event) => validateEvent(event, "reportingController"),
    validateCreate: validateNewEvent,
    validateUpdate: validateEventUpdate,
    selectableFields: newerNames,
    defaultPropagation: "Unsupported",
    ttlSeconds: eventTtlSeconds,
    storedAs: {
      group: "",
      version: "v1",
      kind: "Event",
      plural: "events",
      toStored: toCoreEvent,
      fromStored: fromCoreEvent,
    },
  }),
];
