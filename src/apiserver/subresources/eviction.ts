/** `pods/NAME/eviction`: a deletion that respects the pod's disruption budget. */
import type { KubeObject, Pod, PodCondition } from "../../api/index.ts";
import { deepEqual, isReason, StatusError } from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import { type Call, nowTime, writeObject } from "../core.ts";
import { badRequest, invalid, notFound } from "../errors.ts";
import { type Answer, jsonAnswer } from "../response.ts";
import { checkPreconditions, deleteObject } from "../verbs/delete.ts";
import { type DeleteOptions, type GivenOptions, judgeOptions } from "../verbs/delete-options.ts";
import { readSpecial } from "../verbs/input.ts";
import { admitSubresource } from "./admit.ts";
import { askBudget, beingProcessed } from "./budgets.ts";

interface Eviction extends KubeObject {
  deleteOptions?: GivenOptions;
}

const evictionKind = { group: "policy", version: "v1", kind: "Eviction", plural: "evictions" };
const source = {
  ...evictionKind,
  namespaced: true,
  schema: "io.k8s.api.policy.v1.Eviction",
  also: ["policy/v1beta1"],
};

const attempts = 20;
const marked = "DisruptionTarget";

/** Deletes a pod unless a PodDisruptionBudget forbids it for now (429). */
export async function evict(call: Call): Promise<Answer> {
  const { core, request, resource, info } = call;
  const eviction = readSpecial(core.registry, source, request, info, call.warnings) as Eviction;
  let given: GivenOptions = {};
  await admitSubresource(call, eviction, evictionKind, (object) => {
    given = optionsOf(call, object as Eviction);
  });
  const pinned = given.preconditions?.resourceVersion !== undefined;
  const dryRun = (given.dryRun ?? []).length > 0;
  for (let attempt = 1; ; attempt++) {
    const entry = resource.cache.get(resource.keyOf(info));
    if (!entry) throw notFound(resource.def, info.name);
    const pod = entry.object as Pod;
    if (!isBeyondBudgets(pod)) {
      await evictGuarded(call, entry, given, dryRun);
      break;
    }
    try {
      // A pod that may become ready is deleted only if it is unchanged.
      await markAndDelete(call, isOver(pod) || pinned ? given : pinnedTo(entry, given), dryRun);
      break;
    } catch (error) {
      if (pinned || attempt === attempts || !isReason(error, "Conflict")) throw error;
    }
  }
  return jsonAnswer(201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}

const isOver = ({ metadata, status }: Pod): boolean =>
  status?.phase === "Succeeded" || status?.phase === "Failed" || metadata?.deletionTimestamp !== undefined;

const isBeyondBudgets = (pod: Pod): boolean => isOver(pod) || pod.status?.phase === "Pending";

const pinnedTo = ({ revision }: Entry, given: GivenOptions): GivenOptions => ({
  ...given,
  preconditions: { ...given.preconditions, resourceVersion: String(revision) },
});

/** The options of the deletion, with the request's dryRun. */
function optionsOf(call: Call, eviction: Eviction): GivenOptions {
  const { name } = call.info;
  if (eviction.metadata?.name !== name)
    throw badRequest("name in URL does not match name in Eviction object");
  const given = eviction.deleteOptions ?? {};
  if (given.ignoreStoreReadErrorWithClusterBreakingPotential) {
    const field = "deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential";
    const message = "Invalid value: true: can not be set for pod eviction, try after removing the option";
    throw invalid(evictionKind, name, [{ reason: "FieldValueInvalid", field, message }]);
  }
  const asked = call.info.query.getAll("dryRun").filter((value) => value !== "");
  const own = given.dryRun ?? [];
  if (own.length === 0) return { ...given, dryRun: asked };
  if (asked.length > 0 && !deepEqual(own, asked)) {
    const text = `Non-matching dry-run options in request and content: [${asked.join(" ")}] and [${own.join(" ")}]`;
    throw new StatusError("", text, { code: 500 });
  }
  return given;
}

async function evictGuarded(call: Call, entry: Entry, given: GivenOptions, dryRun: boolean): Promise<void> {
  const { budget, unready } = await askBudget(call, entry.object as Pod, dryRun);
  try {
    await markAndDelete(call, unready ? pinnedTo(entry, given) : given, dryRun);
  } catch (error) {
    const pinned = given.preconditions?.resourceVersion !== undefined;
    // It may have become ready: the client retries.
    if (unready && !pinned && isReason(error, "Conflict")) throw beingProcessed(budget);
    throw error;
  }
}

/** Sets the pod's condition and deletes it. Throws 409 when the preconditions fail. */
async function markAndDelete(call: Call, given: GivenOptions, dryRun: boolean): Promise<void> {
  const { info } = call;
  let options = given;
  if (!dryRun) {
    const revision = await mark(call, given);
    if (given.preconditions?.resourceVersion !== undefined) {
      const preconditions = { ...given.preconditions, resourceVersion: String(revision) };
      options = { ...given, preconditions };
    }
  }
  const judged: DeleteOptions = judgeOptions(options);
  await deleteObject(call, info.namespace, info.name, judged, false);
}

/** The pod's revision with the condition. */
async function mark(call: Call, { preconditions }: GivenOptions): Promise<number> {
  const { core, resource, info } = call;
  const key = resource.keyOf(info);
  for (;;) {
    const entry = resource.cache.get(key);
    if (!entry) throw notFound(resource.def, info.name);
    checkPreconditions(resource.def, entry, { preconditions: preconditions ?? {} });
    const pod = entry.copy() as Pod;
    const conditions = pod.status?.conditions ?? [];
    const known = conditions.find(({ type }) => type === marked);
    const made: PodCondition = {
      type: marked,
      status: "True",
      reason: "EvictionByEvictionAPI",
      message: "Eviction API: evicting",
      lastProbeTime: null as unknown as string,
      lastTransitionTime: nowTime(core.clock),
    };
    if (known?.status === "True" && known.lastTransitionTime)
      made.lastTransitionTime = known.lastTransitionTime;
    if (known && known.reason === made.reason && known.message === made.message && known.status === "True")
      return entry.revision;
    const changed = known ? conditions.map((each) => (each === known ? made : each)) : [...conditions, made];
    pod.status = { ...pod.status, conditions: changed };
    const result = await writeObject(core, resource, key, pod, entry, call.request);
    if (result.done) return result.entry.revision;
  }
}
