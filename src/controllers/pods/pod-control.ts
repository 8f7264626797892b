import type { KubeObject, Pod } from "../../api/index.ts";
import { type Client, type EventRecorder, type Expectations, slowStart } from "../../client/index.ts";
import { isReason } from "../../machinery/index.ts";
import { namespaceGoes } from "../failures.ts";

/** Creates and deletes owners' pods, records expectations, and reports the results as events of the owner. */
export class PodControl {
  readonly #pods: Client["pods"];
  readonly #recorder: EventRecorder;
  readonly #expected: Expectations;

  constructor({ pods }: Client, recorder: EventRecorder, expected: Expectations) {
    this.#pods = pods;
    this.#recorder = recorder;
    this.#expected = expected;
  }

  /** Creates `count` pods in growing batches. Returns the error, unless the namespace is terminating. */
  async create(
    key: string,
    owner: KubeObject,
    count: number,
    podOf: (index: number) => Pod,
  ): Promise<Error | undefined> {
    if (count === 0) return undefined;
    this.#expected.creations(key, count);
    const { succeeded, error } = await slowStart(count, (index) => this.#createOne(owner, podOf(index)));
    for (let missing = count - succeeded; missing > 0; missing--) this.#expected.created(key);
    return error === undefined || namespaceGoes(error) ? undefined : (error as Error);
  }

  async #createOne(owner: KubeObject, pod: Pod): Promise<void> {
    try {
      const made = await this.#pods.create(owner.metadata?.namespace, pod);
      this.#recorder.event(owner, "Normal", "SuccessfulCreate", `Created pod: ${made.metadata?.name}`);
    } catch (error) {
      if (!namespaceGoes(error)) {
        this.#recorder.event(owner, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  /** Tries all, and returns the first error. */
  async delete(key: string, owner: KubeObject, pods: readonly Pod[]): Promise<Error | undefined> {
    if (pods.length === 0) return undefined;
    this.#expected.deletions(
      key,
      pods.map((pod) => pod.metadata?.uid ?? ""),
    );
    const failures = await Promise.all(pods.map((pod) => this.#deleteOne(key, owner, pod)));
    return failures.find((each) => each !== undefined);
  }

  async #deleteOne(key: string, owner: KubeObject, pod: Pod): Promise<Error | undefined> {
    const { namespace, name = "", uid = "" } = pod.metadata ?? {};
    try {
      await this.#pods.delete(namespace, name, { preconditions: { uid } });
      this.#recorder.event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
    } catch (error) {
      this.#expected.deleted(key, uid);
      // Already deleted, or replaced by a pod of the same name: no event to expect.
      if (isReason(error, "NotFound") || isReason(error, "Conflict")) return undefined;
      this.#recorder.event(owner, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
      return error as Error;
    }
    return undefined;
  }
}
