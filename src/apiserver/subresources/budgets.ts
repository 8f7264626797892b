/** PodDisruptionBudgets of evictions. */
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../api/index.ts";
import { selectorFromObject, SelectorError, StatusError } from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import { type Call, nowTime, writeObject } from "../core.ts";
import { forbidden } from "../errors.ts";
import type { ServedResource } from "../registry/resource.ts";

/** Limit of pods that are being evicted before the controller has updated the budget. */
const maxDisrupted = 2000;
const writeAttempts = 20;
const allowedType = "DisruptionAllowed";

/** An allowed eviction. */
export interface Permission {
  /** Name of the budget; empty without one. */
  budget: string;
  /** Allowed because the pod is not ready, hence only while it is unchanged. */
  unready: boolean;
}

/** Takes an allowed disruption from the pod's budget; throws 429 when there is none. A dry run takes nothing. */
export async function askBudget(call: Call, pod: Pod, dryRun: boolean): Promise<Permission> {
  const budgets = call.core.registry.find("policy", "v1", "poddisruptionbudgets");
  const mine = budgets?.cache.list(call.info.namespace).filter((each) => selects(each, pod)) ?? [];
  const [entry] = mine;
  if (!budgets || !entry) return { budget: "", unready: false };
  if (mine.length > 1) {
    throw new StatusError(
      "",
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
      { code: 500 },
    );
  }
  const unready = !isReady(pod) && letsUnreadyGo(entry.object as PodDisruptionBudget);
  if (!unready) await take(call, budgets, entry, dryRun);
  return { budget: entry.name, unready };
}

function selects(budget: Entry, { metadata }: Pod): boolean {
  try {
    return selectorFromObject((budget.object as PodDisruptionBudget).spec?.selector).matches(
      metadata?.labels,
    );
  } catch (error) {
    if (error instanceof SelectorError) return false;
    throw error;
  }
}

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;

/** Evicting a pod that is not ready is no disruption while enough others are healthy. */
function letsUnreadyGo({ spec, status }: PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const desired = status?.desiredHealthy ?? 0;
  return desired > 0 && (status?.currentHealthy ?? 0) >= desired;
}

async function take(call: Call, budgets: ServedResource, first: Entry, dryRun: boolean): Promise<void> {
  const { core, info } = call;
  let entry: Entry | undefined = first;
  for (let attempt = 0; attempt < writeAttempts && entry; attempt++) {
    const budget = entry.copy() as PodDisruptionBudget;
    check(budget);
    if (dryRun) return;
    const status = budget.status as PodDisruptionBudgetStatus;
    const now = nowTime(core.clock);
    status.disruptionsAllowed = (status.disruptionsAllowed ?? 0) - 1;
    if (status.disruptionsAllowed === 0) noMoreAllowed(status, now);
    status.disruptedPods = { ...status.disruptedPods, [info.name]: now };
    if ((await writeObject(core, budgets, entry.key, budget, entry)).done) return;
    entry = budgets.cache.get(entry.key);
  }
  const text = `Timeout: couldn't update PodDisruptionBudget ${JSON.stringify(first.name)} due to conflicts`;
  throw new StatusError("Timeout", text, { details: { retryAfterSeconds: 10 } });
}

/** The condition as the controller sets it when no disruption is left. */
function noMoreAllowed(status: PodDisruptionBudgetStatus, now: string): void {
  const others = status.conditions ?? [];
  const known = others.find(({ type }) => type === allowedType);
  const made = {
    type: allowedType,
    status: "False",
    reason: "InsufficientPods",
    message: "",
    lastTransitionTime: known?.status === "False" ? known.lastTransitionTime : now,
    observedGeneration: status.observedGeneration ?? 0,
  };
  status.conditions = known ? others.map((each) => (each === known ? made : each)) : [...others, made];
}

/** Throws 429 unless a disruption is allowed, or 403 when the budget is inconsistent. */
function check(budget: PodDisruptionBudget): void {
  const { metadata, status } = budget;
  const name = metadata?.name ?? "";
  if (!status || (status.observedGeneration ?? 0) < (metadata?.generation ?? 0)) throw beingProcessed(name);
  const allowed = status.disruptionsAllowed ?? 0;
  const refused = (why: string): StatusError =>
    forbidden({ group: "policy", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets" }, name, why);
  if (allowed < 0) throw refused("pdb disruptions allowed is negative");
  if (Object.keys(status.disruptedPods ?? {}).length > maxDisrupted)
    throw refused("DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  if (allowed === 0) throw tooMany(whyNot(name, status), 0);
}

function whyNot(name: string, status: PodDisruptionBudgetStatus): string {
  const { currentHealthy = 0, desiredHealthy = 0 } = status;
  const condition = status.conditions?.find(({ type }) => type === allowedType);
  const said = condition?.status === "False" && condition.message !== "" ? condition : undefined;
  const head = `The disruption budget ${name} does not allow evicting pods currently`;
  if (said?.reason === "SyncFailed") return `${head} because it failed sync: ${said.message}`;
  if (currentHealthy <= desiredHealthy)
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  return said ? `${head} (${said.reason}): ${said.message}` : head;
}

export const beingProcessed = (budget: string): StatusError =>
  tooMany(`The disruption budget ${budget} is still being processed by the server.`, 10);

function tooMany(why: string, retryAfterSeconds: number): StatusError {
  return new StatusError(
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    {
      details: {
        ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
        causes: [{ reason: "DisruptionBudget", message: why }],
      },
    },
  );
}
