import type { ContainerEvent } from "../cri/index.ts";
import { AsyncQueue } from "../machinery/index.ts";

/** Sends every event to all current listeners. */
export class EventFeed {
  readonly #listeners = new Set<AsyncQueue<ContainerEvent>>();

  emit(event: ContainerEvent): void {
    for (const queue of this.#listeners) queue.push(event);
  }

  subscribe(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    const queue = new AsyncQueue<ContainerEvent>();
    const stop = (): void => {
      this.#listeners.delete(queue);
      queue.end();
    };
    if (signal.aborted) stop();
    else {
      this.#listeners.add(queue);
      signal.addEventListener("abort", stop, { once: true });
    }
    return queue;
  }

  close(): void {
    for (const queue of this.#listeners) queue.end();
    this.#listeners.clear();
  }
}
