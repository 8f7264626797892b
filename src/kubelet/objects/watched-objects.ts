import type { ConfigMap, KubeObject, Secret } from "../../api/index.ts";
import { type Client, createInformer, type Informer, type ResourceClient } from "../../client/index.ts";
import type { Clock, Logger, Timer } from "../../machinery/index.ts";
import type { ObjectSource } from "../containers/environment.ts";
import type { ObjectReference } from "../volumes/references.ts";

/** How long an object is still watched after its last pod is gone, to avoid repeated reads during rollouts. */
const lingerMs = 30_000;

interface Entry {
  informer: Informer<KubeObject>;
  stop: AbortController;
  users: Set<string>;
  linger: Timer | undefined;
}

/**
 * The ConfigMaps and Secrets of this node's pods: each is watched individually while a pod uses it (nodes may not read others),
 * so that reads are free and changes reach pods at once.
 */
export class WatchedObjects implements ObjectSource {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #changed: (uid: string) => void;
  readonly #entries = new Map<string, Entry>();

  constructor(options: {
    client: Client;
    clock: Clock;
    log: Logger;
    signal: AbortSignal;
    /** Called with the UID of each pod that uses a changed object. */
    changed: (uid: string) => void;
  }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#signal = options.signal;
    this.#changed = options.changed;
  }

  /** Registers all objects of a pod, replacing those registered before. Starts to fetch them at once. */
  use(uid: string, references: readonly ObjectReference[]): void {
    const wanted = new Set<string>();
    for (const { kind, namespace, name } of references) {
      const key = keyOf(kind, namespace, name);
      wanted.add(key);
      const entry = this.#entry(kind, namespace, name);
      entry.linger?.stop();
      entry.linger = undefined;
      entry.users.add(uid);
    }
    for (const [key, entry] of this.#entries) if (!wanted.has(key)) this.#release(key, entry, uid);
  }

  release(uid: string): void {
    for (const [key, entry] of this.#entries) this.#release(key, entry, uid);
  }

  async configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return (await this.#get("configMap", namespace, name)) as ConfigMap | undefined;
  }

  async secret(namespace: string, name: string): Promise<Secret | undefined> {
    return (await this.#get("secret", namespace, name)) as Secret | undefined;
  }

  /** Resolves when all watches have ended, after the signal. */
  async ended(): Promise<void> {
    for (const entry of this.#entries.values()) entry.linger?.stop();
    await Promise.all([...this.#entries.values()].map((e) => e.informer.ended));
  }

  async #get(
    kind: ObjectReference["kind"],
    namespace: string,
    name: string,
  ): Promise<KubeObject | undefined> {
    const { informer } = this.#entry(kind, namespace, name);
    await informer.synced;
    return informer.get(`${namespace}/${name}`);
  }

  #entry(kind: ObjectReference["kind"], namespace: string, name: string): Entry {
    const key = keyOf(kind, namespace, name);
    const known = this.#entries.get(key);
    if (known) return known;
    const stop = new AbortController();
    const resource = (kind === "secret"
      ? this.#client.secrets
      : this.#client.configMaps) as unknown as ResourceClient<KubeObject>;
    const informer = createInformer({
      resource,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      clock: this.#clock,
      log: this.#log,
      signal: AbortSignal.any([this.#signal, stop.signal]),
    });
    const entry: Entry = { informer, stop, users: new Set(), linger: undefined };
    informer.onChange(() => {
      // The first list was awaited by the caller; only later changes are reported.
      if (informer.hasSynced) for (const uid of entry.users) this.#changed(uid);
    });
    this.#entries.set(key, entry);
    return entry;
  }

  #release(key: string, entry: Entry, uid: string): void {
    entry.users.delete(uid);
    if (entry.users.size > 0 || entry.linger) return;
    entry.linger = this.#clock.timer(lingerMs, () => {
      this.#entries.delete(key);
      entry.stop.abort();
    });
  }
}

function keyOf(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}
