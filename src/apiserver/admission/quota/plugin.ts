import type { ResourceQuota } from "../../../api/index.ts";
import type { Entry } from "../../cache/entry.ts";
import { conflict, modified } from "../../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { concernsQuota, usedAfter } from "./check.ts";
import { checkLimited, limitedResources } from "./limited.ts";

/** Attempts to write a quota when others write it, too. */
const attempts = 4;

interface Waiting {
  request: AdmissionRequest;
  admit(): void;
  refuse(error: unknown): void;
}

/**
 * ResourceQuota: refuses writes that exceed a quota, and reserves what others use in the quota's status, by compare-and-swap,
 * before the object is written, so that concurrent writes cannot exceed it together. Requests that arrive while the quotas of
 * their namespace are being written wait, and are decided together with one write. The quota controller credits what a write
 * gives back, and reservations whose write failed.
 */
export function resourceQuota(context: PluginContext): AdmissionPlugin {
  const { caches } = context;
  /** Namespaces whose quotas are being written. */
  const waiting = new Map<string, Waiting[]>();
  const quotas = caches.of("", "resourcequotas");
  const limits = limitedResources(context.configuration?.get("ResourceQuota"));

  return {
    name: "ResourceQuota",
    validate(request) {
      if (request.operation !== "CREATE" && request.operation !== "UPDATE") return;
      const counting = quotas.list(request.namespace);
      if ((counting.length === 0 && limits.length === 0) || !concernsQuota(request)) return;
      if (limits.length > 0) {
        const objects = counting.map(({ object }) => object as ResourceQuota);
        checkLimited(limits, objects, request, context.clock.now());
        if (counting.length === 0) return;
      }
      return new Promise<void>((admit, refuse) => {
        const one: Waiting = { request, admit, refuse };
        const others = waiting.get(request.namespace);
        if (others) others.push(one);
        else void decideAll(request.namespace, [one]);
      });
    },
  };

  async function decideAll(namespace: string, first: Waiting[]): Promise<void> {
    for (let batch = first; batch.length > 0; batch = waiting.get(namespace) ?? []) {
      waiting.set(namespace, []);
      await decide(namespace, batch);
    }
    waiting.delete(namespace);
  }

  /** Admits or refuses each. */
  async function decide(namespace: string, batch: Waiting[]): Promise<void> {
    let open = batch;
    /** By key; the quotas that could not be written, from the second attempt on. */
    let left: ReadonlySet<string> | undefined;
    try {
      for (let attempt = 0; attempt < attempts; attempt++) {
        const plan = plans(quotas.list(namespace).filter((entry) => left?.has(entry.key) ?? true));
        open = open.filter((one) => fits(plan, one));
        const lost = new Set<string>();
        for (const { entry, quota, changed } of plan) {
          if (changed && !(await reserve(entry, quota))) lost.add(entry.key);
        }
        if (lost.size === 0) {
          for (const one of open) one.admit();
          return;
        }
        left = lost;
      }
      const resource = context.registry.findAny("", "resourcequotas")?.def;
      const name = [...(left ?? [])][0]?.split("/")[1] ?? "";
      throw resource ? conflict(resource, name, modified) : new Error(modified);
    } catch (error) {
      for (const one of open) one.refuse(error);
    }
  }

  /** Adds the request to the plan if all quotas have room for it; settles it when it needs no write. */
  function fits(plan: Plan[], { request, admit, refuse }: Waiting): boolean {
    let after: (Record<string, string> | undefined)[];
    try {
      after = plan.map(({ quota }) => usedAfter(quota, request, context.clock.now()));
    } catch (error) {
      refuse(error);
      return false;
    }
    if (request.dryRun || after.every((each) => each === undefined)) {
      admit();
      return false;
    }
    plan.forEach((each, i) => {
      const used = after[i];
      if (!used) return;
      each.quota = { ...each.quota, status: { ...each.quota.status, used } };
      each.changed = true;
    });
    return true;
  }

  async function reserve(entry: Entry, quota: ResourceQuota): Promise<boolean> {
    const resource = context.registry.findAny("", "resourcequotas");
    if (!resource) return true;
    const next = entry.copy() as ResourceQuota;
    next.status = { ...next.status, ...(quota.status?.used ? { used: quota.status.used } : {}) };
    return (await context.write(resource, entry.key, next, entry)).done;
  }
}

interface Plan {
  entry: Entry;
  quota: ResourceQuota;
  changed: boolean;
}

const plans = (entries: readonly Entry[]): Plan[] =>
  entries.map((entry) => ({ entry, quota: entry.object as ResourceQuota, changed: false }));
