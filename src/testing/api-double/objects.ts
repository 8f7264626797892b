import type { KindDefinition, KubeObject } from "../../api/index.ts";
import { deepClone, deepEqual, formatTime, StatusError } from "../../machinery/index.ts";

/** An object of unknown kind. */
export interface Loose extends KubeObject {
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [member: string]: unknown;
}

export interface StoredEvent {
  type: "ADDED" | "MODIFIED" | "DELETED";
  revision: number;
  kind: KindDefinition;
  object: Loose;
  old: Loose | undefined;
}

export interface RemoveOptions {
  preconditions?: { uid?: string; resourceVersion?: string };
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
}

const kindKey = (kind: KindDefinition): string => `${kind.plural}.${kind.group}`;

/** The state of the double: objects with revisions, and deletion. */
export class ObjectTable {
  readonly #objects = new Map<string, Loose>();
  readonly #kinds = new Map<string, KindDefinition>();
  readonly events: StoredEvent[] = [];
  readonly listeners = new Set<(event: StoredEvent) => void>();
  readonly #now: () => number;
  revision = 1;
  #serial = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  key(kind: KindDefinition, namespace: string | undefined, name: string): string {
    return `${kindKey(kind)}/${kind.namespaced ? (namespace ?? "") : ""}/${name}`;
  }

  find(kind: KindDefinition, namespace: string | undefined, name: string): Loose {
    const found = this.#objects.get(this.key(kind, namespace, name));
    if (!found) throw notFound(kind, name);
    return found;
  }

  all(kind: KindDefinition, namespace: string | undefined): Loose[] {
    const prefix = `${kindKey(kind)}/${namespace === undefined ? "" : `${namespace}/`}`;
    return [...this.#objects.entries()]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  create(kind: KindDefinition, namespace: string | undefined, given: Loose): Loose {
    const object = deepClone(given);
    object.apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
    object.kind = kind.kind;
    const meta = (object.metadata ??= {});
    if (kind.namespaced) meta.namespace = namespace ?? "default";
    if (!meta.name && meta.generateName) {
      meta.name = `${meta.generateName}${(this.#serial++).toString(36).padStart(5, "0")}`;
    }
    const name = meta.name ?? "";
    if (this.#objects.has(this.key(kind, namespace, name))) {
      throw new StatusError("AlreadyExists", `${plural(kind)} ${JSON.stringify(name)} already exists`);
    }
    if (kind.namespaced) {
      const home = this.#objects.get(`namespaces.//${meta.namespace}`);
      if (home?.metadata?.deletionTimestamp) {
        throw new StatusError(
          "Forbidden",
          `${plural(kind)} ${JSON.stringify(name)} is forbidden: unable to create new content in namespace ${meta.namespace} because it is being terminated`,
          { details: { causes: [{ reason: "NamespaceTerminating" }] } },
        );
      }
    }
    kind.defaults?.(object);
    kind.strategy.prepareForCreate?.(object);
    if (kind.plural === "namespaces") {
      object.spec = { ...object.spec, finalizers: ["kubernetes"] };
      object.status = { phase: "Active" };
    }
    if (kind.plural === "pods") object.status = { phase: "Pending" };
    meta.uid = `00000000-0000-4000-8000-${(++this.#serial).toString(16).padStart(12, "0")}`;
    meta.creationTimestamp = formatTime(this.#now());
    delete meta.deletionTimestamp;
    return this.#put(kind, object, undefined);
  }

  /** `part`: `status` changes only the status, "" everything else, `finalize` everything. */
  update(kind: KindDefinition, namespace: string | undefined, given: Loose, part: string): Loose {
    const old = this.find(kind, namespace, given.metadata?.name ?? "");
    const object = deepClone(given);
    const meta = (object.metadata ??= {});
    if (meta.uid && meta.uid !== old.metadata?.uid) throw conflict(kind, meta.name, "the UID differs");
    if (meta.resourceVersion && meta.resourceVersion !== old.metadata?.resourceVersion) {
      throw conflict(kind, meta.name, "the object has been modified");
    }
    object.apiVersion = old.apiVersion as string;
    object.kind = old.kind as string;
    for (const field of ["uid", "creationTimestamp", "deletionTimestamp", "namespace"] as const) {
      if (old.metadata?.[field] === undefined) delete meta[field];
      else meta[field] = old.metadata[field];
    }
    meta.deletionGracePeriodSeconds = old.metadata?.deletionGracePeriodSeconds as number;
    meta.generation = old.metadata?.generation as number;
    meta.resourceVersion = old.metadata?.resourceVersion as string;
    kind.defaults?.(object);
    if (part === "status") kind.status?.prepareForUpdate?.(object, old);
    else if (part === "") kind.strategy.prepareForUpdate?.(object, old);
    const controllers = (meta.ownerReferences ?? []).filter((reference) => reference.controller);
    if (controllers.length > 1) {
      throw new StatusError("Invalid", "Only one reference can have Controller set to true");
    }
    if (deepEqual(object, old)) return old;
    if (meta.deletionTimestamp && this.#free(object)) return this.#drop(kind, object);
    return this.#put(kind, object, old);
  }

  remove(kind: KindDefinition, namespace: string | undefined, name: string, options: RemoveOptions): Loose {
    const old = this.find(kind, namespace, name);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (uid && uid !== old.metadata?.uid) throw conflict(kind, name, `UID in precondition: ${uid}`);
    if (resourceVersion && resourceVersion !== old.metadata?.resourceVersion) {
      throw conflict(kind, name, `ResourceVersion in precondition: ${resourceVersion}`);
    }
    const object = deepClone(old);
    const meta = (object.metadata ??= {});
    const kept = (meta.finalizers ?? []).filter((each) => each !== "orphan" && each !== "foregroundDeletion");
    if (options.propagationPolicy === "Foreground") kept.push("foregroundDeletion");
    else if (options.propagationPolicy === "Orphan") kept.push("orphan");
    else if (options.propagationPolicy === undefined) kept.splice(0, kept.length, ...(meta.finalizers ?? []));
    meta.finalizers = kept;
    const unplaced = !(object.spec?.["nodeName"] as string | undefined);
    const finished = ["Succeeded", "Failed"].includes(String(object.status?.["phase"]));
    const wanted = kind.graceSeconds
      ? unplaced || finished
        ? 0
        : (options.gracePeriodSeconds ?? kind.graceSeconds(object) ?? 0)
      : 0;
    const grace = Math.min(wanted, meta.deletionGracePeriodSeconds ?? wanted);
    meta.deletionTimestamp ??= formatTime(this.#now() + grace * 1000);
    meta.deletionGracePeriodSeconds = grace;
    if (kind.plural === "namespaces") object.status = { ...object.status, phase: "Terminating" };
    if (this.#free(object)) return this.#drop(kind, object);
    return deepEqual(object, old) ? old : this.#put(kind, object, old);
  }

  #free(object: Loose): boolean {
    const inSpec = (object.spec?.["finalizers"] as string[] | undefined) ?? [];
    const meta = object.metadata ?? {};
    const held = [...(meta.finalizers ?? []), ...(object.kind === "Namespace" ? inSpec : [])];
    return held.length === 0 && (meta.deletionGracePeriodSeconds ?? 0) === 0;
  }

  #put(kind: KindDefinition, object: Loose, old: Loose | undefined): Loose {
    return this.#record(kind, old ? "MODIFIED" : "ADDED", object, old);
  }

  #drop(kind: KindDefinition, object: Loose): Loose {
    return this.#record(kind, "DELETED", object, object);
  }

  #record(kind: KindDefinition, type: StoredEvent["type"], object: Loose, old: Loose | undefined): Loose {
    const meta = (object.metadata ??= {});
    const key = this.key(kind, meta.namespace, meta.name ?? "");
    meta.resourceVersion = String(++this.revision);
    if (type === "DELETED") this.#objects.delete(key);
    else this.#objects.set(key, object);
    this.#kinds.set(kindKey(kind), kind);
    const event: StoredEvent = { type, revision: this.revision, kind, object, old };
    this.events.push(event);
    for (const listener of this.listeners) listener(event);
    return object;
  }
}

const plural = (kind: KindDefinition): string => (kind.group ? `${kind.plural}.${kind.group}` : kind.plural);

const notFound = (kind: KindDefinition, name: string): StatusError =>
  new StatusError("NotFound", `${plural(kind)} ${JSON.stringify(name)} not found`);

const conflict = (kind: KindDefinition, name: string | undefined, why: string): StatusError =>
  new StatusError(
    "Conflict",
    `Operation cannot be fulfilled on ${plural(kind)} ${JSON.stringify(name)}: ${why}`,
  );
