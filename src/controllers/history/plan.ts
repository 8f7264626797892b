import type { ControllerRevision, KubeObject, PodTemplateSpec } from "../../api/index.ts";
import { controllerRef } from "../../client/index.ts";
import { deepEqual, podTemplateHash } from "../../machinery/index.ts";

export interface Owner {
  object: KubeObject & { spec?: { template?: PodTemplateSpec } };
  kind: string;
  /** Label with the revision's hash. */
  hashLabel: string;
  collisionCount: number | undefined;
}

export interface RevisionPlan {
  /** The revision of the owner's current template. */
  update: ControllerRevision;
  /** `update` must be created. */
  create: boolean;
  /** `update` is an older revision that becomes the newest again (a rollback). */
  bump: boolean;
}

/** A copy with sorted keys, as Go encodes maps. */
function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, withSortedKeys(inner)]));
}

/**
 * A revision holds a patch that restores the template, as `kubectl rollout undo` applies it. Its keys are sorted, since clients
 * find an owner's revision by comparing bytes.
 */
const patchOf = (template: PodTemplateSpec | undefined): unknown =>
  withSortedKeys({ spec: { template: { ...template, $patch: "replace" } } });

export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const data = revision.data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } };
  const { $patch: _patch, ...template } = data.spec?.template ?? {};
  return template;
}

/** Finds the revision of the current template, or creates a new one. */
export function planRevision(owner: Owner, known: readonly ControllerRevision[]): RevisionPlan {
  const { object } = owner;
  const data = patchOf(object.spec?.template);
  const newest = Math.max(0, ...known.map((revision) => revision.revision));
  const same = known.filter((revision) => deepEqual(revision.data, data));
  const [found] = same.sort((a, b) => b.revision - a.revision);
  if (found?.revision === newest) return { update: found, create: false, bump: false };
  if (found) return { update: { ...found, revision: newest + 1 }, create: false, bump: true };
  const hash = podTemplateHash(data, owner.collisionCount || undefined);
  const { name, namespace } = object.metadata ?? {};
  return {
    create: true,
    bump: false,
    update: {
      apiVersion: "apps/v1",
      kind: "ControllerRevision",
      metadata: {
        name: `${name}-${hash}`,
        ...(namespace ? { namespace } : {}),
        labels: { ...object.spec?.template?.metadata?.labels, [owner.hashLabel]: hash },
        annotations: { ...object.metadata?.annotations },
        ownerReferences: [controllerRef(object, "apps/v1", owner.kind)],
      },
      data,
      revision: newest + 1,
    },
  };
}

/** Unused revisions beyond the limit, the oldest first. */
export function surplusRevisions(
  known: readonly ControllerRevision[],
  inUse: ReadonlySet<string>,
  limit: number,
): ControllerRevision[] {
  const unused = known.filter((revision) => !inUse.has(revision.metadata?.name ?? ""));
  const surplus = unused.length - limit;
  return surplus <= 0 ? [] : [...unused].sort((a, b) => a.revision - b.revision).slice(0, surplus);
}
