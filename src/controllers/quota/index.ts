import type { KubeObject, Pod, ResourceQuota } from "../../api/index.ts";
import { type Informer, keyOf, type Outcome, settled } from "../../client/index.ts";
import { addQuantity, deepEqual, formatQuantity, isReason, type Quantity } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { discover } from "../discovery.ts";
import { hasScopes, inScope } from "./scopes.ts";
import { type ResourceName, resourceOf, usageOf } from "./usage.ts";

const byNamespace = "quota-namespace";
const retryMs = 10_000;

/** Tells in the status of every ResourceQuota what its namespace uses of what it limits. */
export async function runQuotas(context: ControllerContext): Promise<void> {
  const { client, informers, signal } = context;
  const resource = client.resource<ResourceQuota>("", "v1", "resourcequotas");
  const quotas = informers.of(resource);
  const queue = newQueue(context);
  /** Of the kinds that quotas name, by `plural.group`. */
  const followed = new Map<string, Informer<KubeObject>>();
  quotas.addIndex("namespace", (quota) => [quota.metadata?.namespace ?? ""]);
  quotas.onChange((_type, quota) => queue.add(keyOf(quota)));

  await runLoop(context, {
    name: "resourcequota",
    queue,
    workers: 2,
    needs: [quotas],
    reconcile: async (key) => {
      const quota = quotas.get(key);
      return quota ? await sync(quota) : settled;
    },
  });

  async function sync(quota: ResourceQuota): Promise<Outcome> {
    const hard = quota.spec?.hard ?? {};
    const used: Record<string, string> = {};
    let missing: string | undefined;
    for (const [id, names] of namesByResource(Object.keys(hard))) {
      const kind = resourceOf(names[0] as string);
      const informer = await follow(id, kind);
      if (!informer) missing = id;
      else await informer.synced;
      const sums = informer ? sumUp(quota, kind, informer) : new Map<string, Quantity>();
      for (const name of names) {
        const sum = sums.get(name);
        used[name] = sum ? formatQuantity(sum) : "0";
      }
    }
    const status = { hard, used };
    if (!deepEqual(quota.status?.hard ?? {}, hard) || !deepEqual(quota.status?.used ?? {}, used)) {
      try {
        await resource.updateStatus(quota.metadata?.namespace, {
          ...quota,
          status: { ...quota.status, ...status },
        });
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
    }
    if (missing === undefined) return settled;
    return { kind: "again", afterMs: retryMs, why: `there is no resource ${missing}` };
  }

  function sumUp(
    quota: ResourceQuota,
    kind: ResourceName,
    informer: Informer<KubeObject>,
  ): Map<string, Quantity> {
    const sums = new Map<string, Quantity>();
    const scoped = hasScopes(quota);
    // Scopes are of pods; a quota that has some counts nothing else.
    if (scoped && !(kind.plural === "pods" && kind.group === "")) return sums;
    for (const object of informer.byIndex(byNamespace, quota.metadata?.namespace ?? "")) {
      if (scoped && !inScope(quota, object as Pod)) continue;
      for (const [name, amount] of usageOf(kind, object)) {
        const known = sums.get(name);
        sums.set(name, known ? addQuantity(known, amount) : amount);
      }
    }
    return sums;
  }

  /** Undefined: the server has no such resource now. */
  async function follow(
    id: string,
    { group, plural }: ResourceName,
  ): Promise<Informer<KubeObject> | undefined> {
    const known = followed.get(id);
    if (known) return known;
    let informer = informers.existing(group, plural);
    if (!informer) {
      const { resources } = await discover(client.transport, signal);
      const found = resources.find((each) => each.group === group && each.plural === plural);
      if (!found?.namespaced || !found.verbs.includes("watch")) return undefined;
      const whole = group === "" && plural !== "secrets" && plural !== "configmaps";
      const access = whole ? client.resource : client.metadata;
      informer = informers.of(access(group, found.version, plural));
    }
    // Two workers may have looked at the same time.
    if (followed.has(id)) return followed.get(id);
    followed.set(id, informer);
    informer.addIndex(byNamespace, (object) => [object.metadata?.namespace ?? ""]);
    informer.onChange((type, object, old) => {
      const same = type === "update" && old && sameUsage({ group, plural }, object, old);
      if (same) return;
      for (const quota of quotas.byIndex("namespace", object.metadata?.namespace ?? ""))
        queue.add(keyOf(quota));
    });
    return informer;
  }
}

function namesByResource(names: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of names) {
    const { group, plural } = resourceOf(name);
    const id = `${plural}.${group}`;
    const known = found.get(id);
    if (known) known.push(name);
    else found.set(id, [name]);
  }
  return found;
}

function sameUsage(kind: ResourceName, object: KubeObject, old: KubeObject): boolean {
  if (kind.group !== "") return true;
  if (kind.plural === "pods") {
    const [a, b] = [object as Pod, old as Pod];
    if (a.spec?.activeDeadlineSeconds !== b.spec?.activeDeadlineSeconds) return false;
  }
  return deepEqual([...usageOf(kind, object)], [...usageOf(kind, old)]);
}
