import type { Pod } from "../../api/index.ts";
import { admitPod, type AdmissionNode } from "../admission/node-admission.ts";
import type { KubeletServices } from "../services.ts";
import { podName, podNamespace, podUid } from "./pod-key.ts";
import { emptyRuntime, type PodRuntime } from "./pod-runtime.ts";
import { PodWorker } from "./pod-worker.ts";

/** The workers of all pods of this node, and their admission. */
export class PodManager {
  readonly #services: KubeletServices;
  readonly #node: () => AdmissionNode;
  readonly #workers = new Map<string, PodWorker>();
  /** Finished pods that finalizers keep at the API server: nothing is left to do. */
  readonly #ended = new Set<string>();

  constructor(services: KubeletServices, node: () => AdmissionNode) {
    this.#services = services;
    this.#node = node;
  }

  /** A pod was bound to this node, or has changed. */
  put(pod: Pod, found?: PodRuntime): void {
    const uid = podUid(pod);
    if (this.#ended.has(uid)) return;
    const known = this.#workers.get(uid);
    if (known) {
      known.update(pod);
      return;
    }
    const runtime = found ?? emptyRuntime(uid, podName(pod), podNamespace(pod));
    const worker = this.#add(this.#worker(uid, runtime, pod));
    const phase = pod.status?.phase;
    const fresh = !found && !pod.metadata?.deletionTimestamp && phase !== "Failed" && phase !== "Succeeded";
    if (fresh && !pod.status?.startTime) {
      const others = this.#activePods(uid);
      const verdict = admitPod(pod, this.#node(), others);
      if (verdict) {
        this.#services.podEvent(
          pod,
          "Warning",
          verdict.reason,
          verdict.message.replace(/^Pod was rejected: /, ""),
        );
        worker.reject(verdict);
      }
    }
    worker.update(pod);
  }

  /** The pod was deleted from the API server. */
  remove(pod: Pod): void {
    const uid = podUid(pod);
    this.#ended.delete(uid);
    this.#workers.get(uid)?.remove(pod);
  }

  /** Terminates running pods that were deleted while the kubelet was not running. */
  addOrphan(runtime: PodRuntime): void {
    if (this.#workers.has(runtime.uid)) return;
    this.#add(this.#worker(runtime.uid, runtime, undefined)).remove(undefined);
  }

  get(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  find(namespace: string, name: string): PodWorker | undefined {
    let found: PodWorker | undefined;
    for (const worker of this.#workers.values()) {
      if (worker.runtime.name !== name || worker.runtime.namespace !== namespace) continue;
      // Two of the same name: the older one is terminating.
      if (!found || found.pod?.metadata?.deletionTimestamp || !found.pod) found = worker;
    }
    return found;
  }

  pods(): Pod[] {
    return [...this.#workers.values()].map((w) => w.pod).filter((p) => p !== undefined);
  }

  workers(): PodWorker[] {
    return [...this.#workers.values()];
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers().map((w) => w.stop()));
  }

  #worker(uid: string, runtime: PodRuntime, pod: Pod | undefined): PodWorker {
    return new PodWorker(
      this.#services,
      runtime,
      pod,
      (worker) => this.#done(worker),
      () => this.#activePods(uid),
    );
  }

  /** The other pods that use resources of the node. */
  #activePods(except: string): Pod[] {
    return [...this.#workers.values()]
      .filter((w) => w.uid !== except && w.active)
      .map((w) => w.pod)
      .filter((p) => p !== undefined);
  }

  #done(worker: PodWorker): void {
    this.#workers.delete(worker.uid);
    if (worker.pod && !worker.gone) this.#ended.add(worker.uid);
  }

  #add(worker: PodWorker): PodWorker {
    this.#workers.set(worker.uid, worker);
    return worker;
  }
}
