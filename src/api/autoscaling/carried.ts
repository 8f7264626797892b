/**
 * Annotations in which autoscaling/v1 carries what it has no fields for. They are made when an autoscaler is read as v1
 * and read when one is written as v1; stored they never are, and in v2 they mean nothing and go.
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

/** All of them, also those that are never written any more. */
export const carrierNames: readonly string[] = [
  ...Object.values(carriers),
  `${prefix}scale-down-tolerance`,
  `${prefix}scale-up-tolerance`,
];

/** Takes all of them away, in place. */
export function dropCarried(object: KubeObject): void {
  const { metadata } = object;
  if (!metadata?.annotations) return;
  for (const name of carrierNames) delete metadata.annotations[name];
  if (Object.keys(metadata.annotations).length === 0) delete metadata.annotations;
}

/** What an annotation holds; undefined when it is not there or no JSON. Anybody may write it, so anything may be in it. */
export function carried(object: KubeObject, name: string): unknown {
  const text = object.metadata?.annotations?.[name];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Puts a value into an annotation as Go writes JSON: characters of HTML as escapes. */
export function carry(object: KubeObject, name: string, value: unknown): void {
  const text = withoutHtml(JSON.stringify(value));
  object.metadata = { ...object.metadata, annotations: { ...object.metadata?.annotations, [name]: text } };
}
