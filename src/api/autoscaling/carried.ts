/**
 * Annotations for the fields that autoscaling/v1 lacks. They are added when an autoscaler is read as v1 and parsed when it is
 * written as v1; they are never stored, and are removed in v2.
 */
import { withoutHtml } from "../../machinery/index.ts";
import type { KubeObject } from "../meta.ts";

const prefix = "autoscaling.alpha.kubernetes.io/";

export const carriers = {
  metrics: `${prefix}metrics`,
  currentMetrics: `${prefix}current-metrics`,
  behavior: `${prefix}behavior`,
  conditions: `${prefix}conditions`,
} as const;

/** All of them, including obsolete ones. */
export const carrierNames: readonly string[] = [
  ...Object.values(carriers),
  `${prefix}scale-down-tolerance`,
  `${prefix}scale-up-tolerance`,
];

/** Removes all of them, in place. */
export function dropCarried(object: KubeObject): void {
  const { metadata } = object;
  if (!metadata?.annotations) return;
  for (const name of carrierNames) delete metadata.annotations[name];
  if (Object.keys(metadata.annotations).length === 0) delete metadata.annotations;
}

/** The value of an annotation; undefined when it is missing or invalid JSON. Clients may write any value. */
export function carried(object: KubeObject, name: string): unknown {
  const text = object.metadata?.annotations?.[name];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Writes a value into an annotation as JSON like Go's, with HTML characters escaped. */
export function carry(object: KubeObject, name: string, value: unknown): void {
  const text = withoutHtml(JSON.stringify(value));
  object.metadata = { ...object.metadata, annotations: { ...object.metadata?.annotations, [name]: text } };
}
