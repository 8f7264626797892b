/**
 * Converts metrics between v2 and the annotations of autoscaling/v1 (the types of that name in the Go module, which are in no
 * OpenAPI document). Members are in the order of Go's structs.
 */
import {
  canonicalQuantity,
  compareQuantity,
  compareText,
  isObject,
  parseGoTime,
} from "../../machinery/index.ts";
import { conform } from "../conform.ts";
import type {
  LabelSelector,
  V2CrossVersionObjectReference,
  V2HorizontalPodAutoscalerCondition,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
} from "../generated/types.ts";
import { given } from "../given.ts";

type Loose = Record<string, unknown>;

const labelSelector = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector";

/** The annotation's value is invalid: all of it is ignored. */
class Misshapen extends Error {}

function text(from: Loose, name: string): string {
  const value = from[name] ?? "";
  if (typeof value !== "string") throw new Misshapen(name);
  return value;
}

function number(from: Loose, name: string): number | undefined {
  const value = from[name] ?? undefined;
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || Math.abs(value as number) > 0x7fffffff) throw new Misshapen(name);
  return value as number;
}

function quantity(from: Loose, name: string): string | undefined {
  const value = from[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== "string" && typeof value !== "number") throw new Misshapen(name);
  return canonicalQuantity(value);
}

function part(from: Loose, name: string): Loose | undefined {
  const value = from[name] ?? undefined;
  if (value !== undefined && !isObject(value)) throw new Misshapen(name);
  return value as Loose | undefined;
}

function reference(from: Loose | undefined): V2CrossVersionObjectReference {
  const apiVersion = from && text(from, "apiVersion");
  return {
    kind: from ? text(from, "kind") : "",
    name: from ? text(from, "name") : "",
    ...(apiVersion ? { apiVersion } : {}),
  };
}

function identifier(from: Loose, selector = "selector"): { name: string; selector?: object } {
  const chosen = part(from, selector);
  if (chosen && conform(labelSelector, chosen).problem !== undefined) throw new Misshapen(selector);
  return { name: text(from, "metricName"), ...(chosen ? { selector: chosen } : {}) };
}

/** A list from an annotation; undefined when any part is invalid. */
export function listFrom<T>(value: unknown, read: (each: Loose) => T): T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  try {
    return value.map((each) => {
      if (each !== null && !isObject(each)) throw new Misshapen("a list of objects");
      return read((each ?? {}) as Loose);
    });
  } catch {
    return undefined;
  }
}

function resourceTarget(from: Loose): V2MetricTarget {
  const averageUtilization = number(from, "targetAverageUtilization");
  return {
    type: averageUtilization === undefined ? "AverageValue" : "Utilization",
    averageUtilization,
    averageValue: quantity(from, "targetAverageValue"),
  };
}

export function specFrom1(from: Loose): V2MetricSpec {
  const spec: V2MetricSpec = { type: text(from, "type") };
  const object = part(from, "object");
  if (object) {
    const averageValue = quantity(object, "averageValue");
    const value = quantity(object, "targetValue") ?? "0";
    spec.object = {
      describedObject: reference(part(object, "target")),
      metric: identifier(object),
      target:
        averageValue === undefined
          ? { type: "Value", value }
          : { type: "AverageValue", averageValue, ...(compareQuantity(value, "0") === 0 ? {} : { value }) },
    };
  }
  const pods = part(from, "pods");
  if (pods) {
    const averageValue = quantity(pods, "targetAverageValue") ?? "0";
    spec.pods = { metric: identifier(pods), target: { type: "AverageValue", averageValue } };
  }
  const resource = part(from, "resource");
  if (resource) spec.resource = { name: text(resource, "name"), target: resourceTarget(resource) };
  const inside = part(from, "containerResource");
  if (inside) {
    spec.containerResource = {
      name: text(inside, "name"),
      container: text(inside, "container"),
      target: resourceTarget(inside),
    };
  }
  const external = part(from, "external");
  if (external) {
    const value = quantity(external, "targetValue");
    spec.external = {
      metric: identifier(external, "metricSelector"),
      target: {
        type: value === undefined ? "AverageValue" : "Value",
        value,
        averageValue: quantity(external, "targetAverageValue"),
      },
    };
  }
  return spec;
}

/** Members in Go's order: annotations are compared as text. */
function referenceTo1(from: Partial<V2CrossVersionObjectReference> | undefined): Loose {
  const { kind = "", name = "", apiVersion } = from ?? {};
  return { kind, name, ...(apiVersion ? { apiVersion } : {}) };
}

function selectorIn(metric: { selector?: LabelSelector } | undefined): Loose | undefined {
  const { selector } = metric ?? {};
  if (!selector) return undefined;
  const labels = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => compareText(a, b));
  const expressions = (selector.matchExpressions ?? []).map((each) => {
    const { key = "", operator = "", values } = given(each);
    return { key, operator, ...(values?.length ? { values } : {}) };
  });
  return {
    ...(labels.length > 0 ? { matchLabels: Object.fromEntries(labels) } : {}),
    ...(expressions.length > 0 ? { matchExpressions: expressions } : {}),
  };
}

/** The v1 form; missing parts become empty members, which validation rejects. */
export function specTo1({ type, object, pods, resource, containerResource, external }: V2MetricSpec): Loose {
  return {
    type,
    object: object && {
      target: referenceTo1(object.describedObject),
      metricName: object.metric?.name ?? "",
      targetValue: object.target?.value ?? "0",
      selector: selectorIn(object.metric),
      averageValue: object.target?.averageValue,
    },
    pods: pods && {
      metricName: pods.metric?.name ?? "",
      targetAverageValue: pods.target?.averageValue ?? "0",
      selector: selectorIn(pods.metric),
    },
    resource: resource && {
      name: resource.name ?? "",
      targetAverageUtilization: resource.target?.averageUtilization,
      targetAverageValue: resource.target?.averageValue,
    },
    containerResource: containerResource && {
      name: containerResource.name ?? "",
      targetAverageUtilization: containerResource.target?.averageUtilization,
      targetAverageValue: containerResource.target?.averageValue,
      container: containerResource.container ?? "",
    },
    external: external && {
      metricName: external.metric?.name ?? "",
      metricSelector: selectorIn(external.metric),
      targetValue: external.target?.value,
      targetAverageValue: external.target?.averageValue,
    },
  };
}

export function statusFrom1(from: Loose): V2MetricStatus {
  const status: V2MetricStatus = { type: text(from, "type") };
  const object = part(from, "object");
  if (object) {
    status.object = {
      describedObject: reference(part(object, "target")),
      metric: identifier(object),
      current: {
        value: quantity(object, "currentValue") ?? "0",
        averageValue: quantity(object, "averageValue"),
      },
    };
  }
  const pods = part(from, "pods");
  if (pods) {
    const averageValue = quantity(pods, "currentAverageValue") ?? "0";
    status.pods = { metric: identifier(pods), current: { averageValue } };
  }
  const current = (of: Loose): { averageValue: string; averageUtilization: number | undefined } => ({
    averageValue: quantity(of, "currentAverageValue") ?? "0",
    averageUtilization: number(of, "currentAverageUtilization"),
  });
  const resource = part(from, "resource");
  if (resource) status.resource = { name: text(resource, "name"), current: current(resource) };
  const inside = part(from, "containerResource");
  if (inside) {
    status.containerResource = {
      name: text(inside, "name"),
      container: text(inside, "container"),
      current: current(inside),
    };
  }
  const external = part(from, "external");
  if (external) {
    status.external = {
      metric: identifier(external, "metricSelector"),
      current: {
        value: quantity(external, "currentValue") ?? "0",
        averageValue: quantity(external, "currentAverageValue"),
      },
    };
  }
  return status;
}

export function statusTo1(from: V2MetricStatus): Loose {
  const { type, object, pods, resource, containerResource, external } = from;
  return {
    type,
    object: object && {
      target: referenceTo1(object.describedObject),
      metricName: object.metric?.name ?? "",
      currentValue: object.current?.value ?? "0",
      selector: selectorIn(object.metric),
      averageValue: object.current?.averageValue,
    },
    pods: pods && {
      metricName: pods.metric?.name ?? "",
      currentAverageValue: pods.current?.averageValue ?? "0",
      selector: selectorIn(pods.metric),
    },
    resource: resource && {
      name: resource.name ?? "",
      currentAverageUtilization: resource.current?.averageUtilization,
      currentAverageValue: resource.current?.averageValue ?? "0",
    },
    containerResource: containerResource && {
      name: containerResource.name ?? "",
      currentAverageUtilization: containerResource.current?.averageUtilization,
      currentAverageValue: containerResource.current?.averageValue ?? "0",
      container: containerResource.container ?? "",
    },
    external: external && {
      metricName: external.metric?.name ?? "",
      metricSelector: selectorIn(external.metric),
      currentValue: external.current?.value ?? "0",
      currentAverageValue: external.current?.averageValue,
    },
  };
}

export function conditionFrom1(from: Loose): V2HorizontalPodAutoscalerCondition {
  const condition: V2HorizontalPodAutoscalerCondition = {
    type: text(from, "type"),
    status: text(from, "status"),
  };
  const since = from.lastTransitionTime ?? undefined;
  // An empty text is no time.
  const time = since === undefined ? undefined : parseGoTime(text(from, "lastTransitionTime"), 0);
  if (time !== undefined) condition.lastTransitionTime = time;
  for (const name of ["reason", "message"] as const) {
    const value = text(from, name);
    if (value) condition[name] = value;
  }
  return condition;
}

export function conditionTo1(from: V2HorizontalPodAutoscalerCondition): Loose {
  const { type, status, lastTransitionTime, reason, message } = from;
  return { type, status, lastTransitionTime: lastTransitionTime ?? null, reason, message };
}
