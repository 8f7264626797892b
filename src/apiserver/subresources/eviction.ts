import type { KubeObject, Pod, PodDisruptionBudget } from "../../api/index.ts";
import { isObject, selectorFromObject, StatusError } from "../../machinery/index.ts";
import { readBody } from "../codec/decode.ts";
import { type Call, nowTime, writeObject } from "../core.ts";
import { badRequest, conflict, modified, notFound } from "../errors.ts";
import { type Answer, jsonAnswer } from "../response.ts";
import type { DeleteOptions } from "../verbs/delete-options.ts";
import { admitSubresource } from "./admit.ts";
import { deleteObject } from "../verbs/delete.ts";

interface Eviction extends KubeObject {
  deleteOptions?: Record<string, unknown>;
}

const evictionKind = { group: "policy", version: "v1", kind: "Eviction", plural: "evictions" };

/** Deletes a pod unless a PodDisruptionBudget says that it must stay for now (429). */
export async function evict(call: Call): Promise<Answer> {
  const { core, request, resource, info } = call;
  const eviction = readBody(request.body, request.headers?.["content-type"], {
    ...evictionKind,
    known: (apiVersion, kind) => core.registry.knows(apiVersion, kind),
  }).object as Eviction;
  if (eviction.metadata?.name !== info.name) {
    throw badRequest("name in URL does not match name in Eviction object");
  }
  await admitSubresource(call, eviction, evictionKind);
  const given = eviction.deleteOptions ?? {};
  const options: DeleteOptions = {
    gracePeriodSeconds: given.gracePeriodSeconds as number | undefined,
    propagation: given.propagationPolicy as DeleteOptions["propagation"],
    preconditions: isObject(given.preconditions) ? given.preconditions : {},
    dryRun: call.dryRun || (Array.isArray(given.dryRun) && given.dryRun.includes("All")),
  };
  const entry = resource.cache.get(resource.key(info.namespace, info.name));
  if (!entry) throw notFound(resource.def, info.name);
  const pod = entry.object as Pod;
  const over = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  if (!over && pod.status?.phase !== "Pending" && !pod.metadata?.deletionTimestamp)
    await takeDisruption(call, pod, options.dryRun);
  if (!options.dryRun && !pod.metadata?.deletionTimestamp) await markDisrupted(call);
  await deleteObject(call, info.namespace, info.name, options, false);
  return jsonAnswer(201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}

/** Takes one allowed disruption from the pod's budget, or throws 429. */
async function takeDisruption(call: Call, pod: Pod, dryRun: boolean): Promise<void> {
  const { core, info } = call;
  const budgets = core.registry.find("policy", "v1", "poddisruptionbudgets");
  if (!budgets) return;
  for (;;) {
    const mine = budgets.cache
      .list(info.namespace)
      .filter((each) =>
        selectorFromObject((each.object as PodDisruptionBudget).spec?.selector).matches(pod.metadata?.labels),
      );
    if (mine.length === 0) return;
    if (mine.length > 1) {
      throw new StatusError(
        "InternalError",
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
      );
    }
    const [entry] = mine as [(typeof mine)[0]];
    const budget = entry.copy() as PodDisruptionBudget;
    const { status, metadata } = budget;
    if (!status || (status.observedGeneration ?? 0) < (metadata?.generation ?? 0)) {
      throw tooMany(entry.name, "The disruption budget is still being processed by the server.", 10);
    }
    const allowed = status.disruptionsAllowed ?? 0;
    if (allowed <= 0) {
      throw tooMany(
        entry.name,
        `The disruption budget ${entry.name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
        0,
      );
    }
    if (dryRun) return;
    status.disruptionsAllowed = allowed - 1;
    status.disruptedPods = { ...status.disruptedPods, [info.name]: nowTime(core.clock) };
    if ((await writeObject(core, budgets, entry.key, budget, entry)).done) return;
  }
}

function tooMany(budget: string, why: string, retryAfterSeconds: number): StatusError {
  return new StatusError(
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    {
      details: {
        ...(budget === "" ? {} : {}),
        ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
        causes: [{ reason: "DisruptionBudget", message: why }],
      },
    },
  );
}

async function markDisrupted(call: Call): Promise<void> {
  const { core, resource, info } = call;
  const key = resource.key(info.namespace, info.name);
  for (let attempt = 0; attempt < 5; attempt++) {
    const entry = resource.cache.get(key);
    if (!entry) throw notFound(resource.def, info.name);
    const pod = entry.copy() as Pod;
    const conditions = (pod.status?.conditions ?? []).filter((each) => each.type !== "DisruptionTarget");
    conditions.push({
      type: "DisruptionTarget",
      status: "True",
      reason: "EvictionByEvictionAPI",
      message: "Eviction API: evicting",
      lastProbeTime: null as unknown as string,
      lastTransitionTime: nowTime(core.clock),
    });
    pod.status = { ...pod.status, conditions };
    if ((await writeObject(core, resource, key, pod, entry)).done) return;
  }
  throw conflict(resource.def, info.name, modified);
}
