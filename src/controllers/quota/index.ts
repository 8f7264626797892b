import { type KubeObject, type Pod, quota as rules, type ResourceQuota } from "../../api/index.ts";
import { type Informer, keyOf, type Outcome, settled } from "../../client/index.ts";
import { addQuantity, deepEqual, formatQuantity, type Quantity } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { discover } from "../discovery.ts";
import { ignoreMissing } from "../failures.ts";

type ResourceName = rules.ResourceName;

const byNamespace = "quota-namespace";
/** Resources whose content is counted; of others only the number. */
const measured = new Set(["pods.", "services.", "persistentvolumeclaims.", "resourceclaims.resource.k8s.io"]);
const retryMs = 10_000;
const lateMs = 1_000;
/** Interval of full recounts, which correct lost updates (a reservation whose write failed). */
const recountMs = 5 * 60_000;

/**
 * Writes the usage of namespaces into the status of ResourceQuotas. Usage of new objects is reserved there before they are
 * created (admission/quota in the API server); this loop initializes the count, and releases what was deleted. A new object
 * does not trigger a count: its reservation may be ahead of this loop's caches.
 */
export async function runQuotas(context: ControllerContext): Promise<void> {
  const { client, informers, signal } = context;
  const resource = client.resource<ResourceQuota>("", "v1", "resourcequotas");
  const quotas = informers.of(resource);
  const queue = newQueue(context);
  /** Kinds with quotas, as `plural.group`. */
  const followed = new Map<string, Informer<KubeObject>>();
  quotas.addIndex("namespace", (quota) => [quota.metadata?.namespace ?? ""]);
  quotas.onChange((type, quota, old) => {
    const same = type === "update" && deepEqual(quota.spec, old?.spec);
    if (!same || !deepEqual(quota.status?.hard ?? {}, quota.spec?.hard ?? {})) queue.add(keyOf(quota));
  });

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
    for (const [id, { kind, names }] of namesByResource(Object.keys(hard))) {
      const informer = await follow(id, kind);
      if (!informer) {
        missing = id;
        continue;
      }
      await informer.synced;
      const sums = sumUp(quota, kind, informer);
      for (const name of names) {
        const sum = sums.get(name);
        used[name] = sum ? formatQuantity(sum) : "0";
      }
    }
    const status = { hard, used };
    const begins = !deepEqual(quota.status?.hard ?? {}, hard);
    if (begins || !deepEqual(quota.status?.used ?? {}, used)) {
      await ignoreMissing(
        resource.updateStatus(quota.metadata?.namespace, {
          ...quota,
          status: { ...quota.status, ...status },
        }),
      );
    }
    // Objects created before the first reservation may be missing in the count above.
    if (begins)
      return { kind: "again", afterMs: lateMs, why: "counting what came before the quota was known" };
    if (missing === undefined)
      return { kind: "again", afterMs: recountMs, why: "counting anew now and then" };
    return { kind: "again", afterMs: retryMs, why: `there is no resource ${missing}` };
  }

  function sameUsage(kind: ResourceName, object: KubeObject, old: KubeObject): boolean {
    if (!measured.has(`${kind.plural}.${kind.group}`)) return true;
    if (kind.plural === "pods" && rules.isTerminating(object as Pod) !== rules.isTerminating(old as Pod))
      return false;
    const now = context.clock.now();
    return deepEqual([...rules.usageOf(kind, object, now)], [...rules.usageOf(kind, old, now)]);
  }

  function sumUp(
    quota: ResourceQuota,
    kind: ResourceName,
    informer: Informer<KubeObject>,
  ): Map<string, Quantity> {
    const sums = new Map<string, Quantity>();
    for (const object of informer.byIndex(byNamespace, quota.metadata?.namespace ?? "")) {
      if (!rules.inScope(quota, kind, object)) continue;
      for (const [name, amount] of rules.usageOf(kind, object, context.clock.now())) {
        const known = sums.get(name);
        sums.set(name, known ? addQuantity(known, amount) : amount);
      }
    }
    return sums;
  }

  /** Undefined: the server does not serve the resource now. */
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
      const whole = measured.has(id);
      const access = whole ? client.resource : client.metadata;
      informer = informers.of(access(group, found.version, plural));
    }
    // Two workers may have checked at the same time.
    if (followed.has(id)) return followed.get(id);
    followed.set(id, informer);
    informer.addIndex(byNamespace, (object) => [object.metadata?.namespace ?? ""]);
    informer.onChange((type, object, old) => {
      if (type === "add" || (type === "update" && old && sameUsage({ group, plural }, object, old))) return;
      for (const quota of quotas.byIndex("namespace", object.metadata?.namespace ?? ""))
        queue.add(keyOf(quota));
    });
    return informer;
  }
}

/** The resource names of a quota by the kind counted, as `plural.group`; unknown names are left out. */
function namesByResource(names: readonly string[]): Map<string, { kind: ResourceName; names: string[] }> {
  const found = new Map<string, { kind: ResourceName; names: string[] }>();
  for (const name of names) {
    const kind = rules.resourceOf(name);
    if (!kind) continue;
    const id = `${kind.plural}.${kind.group}`;
    const known = found.get(id);
    if (known) known.names.push(name);
    else found.set(id, { kind, names: [name] });
  }
  return found;
}
