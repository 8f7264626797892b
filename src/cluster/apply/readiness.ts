import type {
  Deployment,
  EndpointSlice,
  KubeObject,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  Service,
} from "../../api/index.ts";
import { selectorFromObject } from "../../machinery/index.ts";
import { label } from "./apply.ts";

/** The current state of applied objects. */
export interface View {
  pods: readonly Pod[];
  endpointSlices: readonly EndpointSlice[];
  reachable: boolean;
  /** The applied object in its current state; undefined when it was deleted. */
  current(object: KubeObject): KubeObject | undefined;
}

/** Why an object is not ready. `final` when waiting will not help. */
export interface Unready {
  what: string;
  why: string;
  final: boolean;
  /** The pod that causes it, if known: its events may explain more. */
  pod?: { namespace: string; name: string };
}

/** Reasons that only another manifest or image can fix. */
const hopeless = new Set([
  "ErrImageNeverPull",
  "InvalidImageName",
  "CreateContainerConfigError",
  "ImagePullBackOff",
]);

/** The problem of the first pod that has one; undefined when there is none. */
function podProblem(pods: readonly Pod[]): Omit<Unready, "what"> | undefined {
  for (const pod of pods) {
    const problem = problemOf(pod);
    const { namespace = "", name = "" } = pod.metadata ?? {};
    if (problem) return { ...problem, pod: { namespace, name } };
  }
  return undefined;
}

function problemOf(pod: Pod): { why: string; final: boolean } | undefined {
  const name = `pod ${pod.metadata?.name}`;
  const states = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const state of states) {
    const waiting = state.state?.waiting;
    const ended =
      state.state?.terminated ??
      (waiting?.reason === "CrashLoopBackOff" ? state.lastState?.terminated : undefined);
    if (waiting?.reason && waiting.reason !== "ContainerCreating" && waiting.reason !== "PodInitializing") {
      const exit = ended
        ? ` (it ended with exit code ${ended.exitCode}${ended.reason ? `, ${ended.reason}` : ""})`
        : "";
      const detail = waiting.message ? `: ${waiting.message}` : "";
      return {
        why: `${name}, container ${state.name}: ${waiting.reason}${exit}${detail}`,
        final: hopeless.has(waiting.reason),
      };
    }
    if (ended && ended.exitCode !== 0)
      return {
        why: `${name}, container ${state.name} ended with exit code ${ended.exitCode}`,
        final: false,
      };
  }
  const scheduled = pod.status?.conditions?.find((c) => c.type === "PodScheduled");
  if (scheduled?.status === "False")
    return {
      why: `${name} cannot be placed: ${scheduled.message ?? scheduled.reason ?? ""}`,
      final: false,
    };
  const ready = pod.status?.conditions?.find((c) => c.type === "Ready");
  if (ready?.status !== "True" && pod.status?.phase !== "Succeeded")
    return {
      why: `${name} is ${pod.status?.phase ?? "Pending"}${ready?.message ? `: ${ready.message}` : ""}`,
      final: false,
    };
  return undefined;
}

function podsOf(view: View, object: Deployment | ReplicaSet): Pod[] {
  const selector = selectorFromObject((object.spec?.selector ?? {}) as never);
  return view.pods.filter(
    (pod) =>
      pod.metadata?.namespace === object.metadata?.namespace &&
      !pod.metadata?.deletionTimestamp &&
      selector.matches(pod.metadata?.labels ?? {}),
  );
}

function workload(view: View, object: Deployment | ReplicaSet): Unready | undefined {
  const wanted = object.spec?.replicas ?? 1;
  const status = object.status as (Deployment & ReplicaSet)["status"];
  const seen = (status?.observedGeneration ?? 0) >= (object.metadata?.generation ?? 0);
  const available = status?.availableReplicas ?? 0;
  const updated = object.kind === "Deployment" ? (status?.updatedReplicas ?? 0) : available;
  if (seen && available >= wanted && updated >= wanted && (status?.replicas ?? 0) <= wanted) return undefined;
  const stuck = (object as Deployment).status?.conditions?.find(
    (c) => (c.type === "ReplicaFailure" && c.status === "True") || c.reason === "ProgressDeadlineExceeded",
  );
  const problem = podProblem(podsOf(view, object));
  const why = problem?.why ?? stuck?.message ?? `${Math.min(available, updated)} of ${wanted} pods are ready`;
  return {
    what: label(object),
    why,
    final: problem?.final ?? false,
    ...(problem?.pod ? { pod: problem.pod } : {}),
  };
}

function service(view: View, object: Service): Unready | undefined {
  const type = object.spec?.type;
  if (type === "ExternalName" || !object.spec?.selector) return undefined;
  const slices = view.endpointSlices.filter(
    (slice) =>
      slice.metadata?.namespace === object.metadata?.namespace &&
      slice.metadata?.labels?.["kubernetes.io/service-name"] === object.metadata?.name,
  );
  const ready = slices.some((slice) => (slice.endpoints ?? []).some((e) => e.conditions?.ready !== false));
  if (!ready) return { what: label(object), why: "no ready pod is behind it", final: false };
  if (view.reachable && type === "LoadBalancer" && !object.status?.loadBalancer?.ingress?.length)
    return { what: label(object), why: "it has no external address yet", final: false };
  return undefined;
}

function pod(object: Pod): Unready | undefined {
  if (object.status?.phase === "Succeeded") return undefined;
  const problem = podProblem([object]);
  return problem && { what: label(object), ...problem };
}

interface Counted extends KubeObject {
  spec?: { replicas?: number; completions?: number };
  status?: {
    readyReplicas?: number;
    numberReady?: number;
    desiredNumberScheduled?: number;
    observedGeneration?: number;
    conditions?: { type: string; status: string; message?: string }[];
  };
}

/** StatefulSets, DaemonSets and Jobs by the numbers in their status. */
function counted(object: Counted): Unready | undefined {
  const { status } = object;
  const what = label(object);
  if (object.kind === "Job") {
    const failed = status?.conditions?.find((c) => c.type === "Failed" && c.status === "True");
    if (failed) return { what, why: failed.message ?? "it failed", final: true };
    return undefined; // a job may run for long: it is not waited for
  }
  const seen = (status?.observedGeneration ?? 0) >= (object.metadata?.generation ?? 0);
  const wanted =
    object.kind === "DaemonSet" ? (status?.desiredNumberScheduled ?? 0) : (object.spec?.replicas ?? 1);
  const ready = (object.kind === "DaemonSet" ? status?.numberReady : status?.readyReplicas) ?? 0;
  return seen && ready >= wanted
    ? undefined
    : { what, why: `${ready} of ${wanted} pods are ready`, final: false };
}

/** All applied objects that are not ready, with reasons. */
export function unready(applied: readonly KubeObject[], view: View): Unready[] {
  return applied.flatMap((each) => {
    const object = view.current(each);
    if (!object) return [{ what: label(each), why: "it is gone", final: true }];
    const problem = judge({ ...object, apiVersion: each.apiVersion, kind: each.kind } as KubeObject, view);
    return problem ? [problem] : [];
  });
}

function judge(object: KubeObject, view: View): Unready | undefined {
  switch (object.kind) {
    case "Deployment":
    case "ReplicaSet":
      return workload(view, object as Deployment | ReplicaSet);
    case "StatefulSet":
    case "DaemonSet":
    case "Job":
      return counted(object as Counted);
    case "Pod":
      return pod(object as Pod);
    case "Service":
      return service(view, object as Service);
    case "PersistentVolumeClaim": {
      const { phase } = (object as PersistentVolumeClaim).status ?? {};
      return phase === "Lost" ? { what: label(object), why: "its volume is gone", final: true } : undefined;
    }
    default:
      return undefined;
  }
}
