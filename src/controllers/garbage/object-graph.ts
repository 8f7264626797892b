import type { KubeObject, OwnerReference } from "../../api/index.ts";
import type { Informer } from "../../client/index.ts";
import type { DiscoveredResource } from "../discovery.ts";

/** An object with its resource. */
export interface Known {
  resource: DiscoveredResource;
  object: KubeObject;
}

export const resourceKey = ({ group, plural }: Pick<DiscoveredResource, "group" | "plural">): string =>
  `${plural}.${group}`;

const ownerIndex = "owner-uid";

/** The graph of owners and dependents in the caches of all resources. It only references objects in those caches. */
export class ObjectGraph {
  readonly #informers = new Map<string, { resource: DiscoveredResource; informer: Informer<KubeObject> }>();
  readonly #byUid = new Map<string, Known>();

  add(resource: DiscoveredResource, informer: Informer<KubeObject>): void {
    this.#informers.set(resourceKey(resource), { resource, informer });
    informer.addIndex(ownerIndex, (object) => ownersOf(object).map((owner) => owner.uid));
  }

  drop(key: string): void {
    this.#informers.delete(key);
    for (const [uid, known] of this.#byUid) if (resourceKey(known.resource) === key) this.#byUid.delete(uid);
  }

  watches(resource: DiscoveredResource): boolean {
    return this.#informers.has(resourceKey(resource));
  }

  keys(): string[] {
    return [...this.#informers.keys()];
  }

  /** Resolves when all caches are filled. */
  async synced(): Promise<void> {
    await Promise.all([...this.#informers.values()].map(({ informer }) => informer.synced));
  }

  set(resource: DiscoveredResource, object: KubeObject): void {
    const uid = object.metadata?.uid;
    if (uid) this.#byUid.set(uid, { resource, object });
  }

  delete(uid: string): void {
    this.#byUid.delete(uid);
  }

  get(uid: string): Known | undefined {
    return this.#byUid.get(uid);
  }

  dependents(uid: string): Known[] {
    const found: Known[] = [];
    for (const { resource, informer } of this.#informers.values()) {
      for (const object of informer.byIndex(ownerIndex, uid)) found.push({ resource, object });
    }
    return found;
  }
}

export const ownersOf = (object: KubeObject): readonly OwnerReference[] =>
  object.metadata?.ownerReferences ?? [];

export const foreground = "foregroundDeletion";
export const orphan = "orphan";

export const hasFinalizer = (object: KubeObject, name: string): boolean =>
  object.metadata?.finalizers?.includes(name) ?? false;

export const isBeingDeleted = (object: KubeObject): boolean =>
  object.metadata?.deletionTimestamp !== undefined;

/** In foreground deletion: it stays until its dependents are gone. */
export const waitsForDependents = (object: KubeObject): boolean =>
  isBeingDeleted(object) && hasFinalizer(object, foreground);

export const mustOrphan = (object: KubeObject): boolean =>
  isBeingDeleted(object) && hasFinalizer(object, orphan);
