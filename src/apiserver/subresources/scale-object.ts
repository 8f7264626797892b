/** autoscaling/v1 Scale as a view of an object's replicas. Pure. */
import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import { get as valueAt, isObject, selectorFromObject, StatusError } from "../../machinery/index.ts";
import type { ServedResource } from "../registry/resource.ts";

export const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" };
export const scales = { ...scaleKind, plural: "scales" };
export const scaleVersion = "autoscaling/v1";
export const scaleSchema = "io.k8s.api.autoscaling.v1.Scale";

export interface Scale extends KubeObject {
  spec?: { replicas?: unknown };
  status?: { replicas: number; selector?: string };
}

const replicasPath = ({ def }: ServedResource): string => def.scale?.specReplicasPath ?? "spec.replicas";

export function scaleOf({ def }: ServedResource, object: KubeObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
  const paths = def.scale;
  const selector = paths?.selectorPath ? valueAt(object, paths.selectorPath) : undefined;
  const text = typeof selector === "string" ? selector : isObject(selector) ? selectorString(selector) : "";
  const replicas = paths ? ((valueAt(object, paths.specReplicasPath) as number) ?? 0) : 0;
  return {
    kind: scaleKind.kind,
    apiVersion: scaleVersion,
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ObjectMeta,
    // Zero is omitted, as in Go.
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: paths ? ((valueAt(object, paths.statusReplicasPath) as number) ?? 0) : 0,
      ...(text === "" ? {} : { selector: text }),
    },
  };
}

function selectorString(selector: Record<string, unknown>): string {
  // A ReplicationController's selector is a plain map.
  const plain = !("matchLabels" in selector) && !("matchExpressions" in selector);
  return selectorFromObject(
    plain ? { matchLabels: selector as Record<string, string> } : selector,
  ).toString();
}

/** Throws 500 for a custom resource without replicas, which cannot be shown as a Scale. */
export function requireReplicas(resource: ServedResource, object: KubeObject): void {
  const path = replicasPath(resource);
  if (!resource.def.type || valueAt(object, path) !== undefined) return;
  const why = `the spec replicas field ".${path}" does not exist`;
  throw new StatusError("InternalError", `Internal error occurred: ${why}`, {
    details: { causes: [{ message: why }] },
  });
}

/** In place. */
export function setReplicas(resource: ServedResource, object: KubeObject, value: unknown): void {
  const names = replicasPath(resource)
    .split(".")
    .filter((name) => name !== "");
  const last = names.pop() as string;
  let current = object as Record<string, unknown>;
  for (const name of names) {
    if (!isObject(current[name])) current[name] = {};
    current = current[name] as Record<string, unknown>;
  }
  current[last] = value;
}
