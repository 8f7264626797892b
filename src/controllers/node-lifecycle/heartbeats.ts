import type { Clock } from "../../machinery/index.ts";

/**
 * When each node was last heard from, by our own clock: a sign of life is a stamp that changed, whatever it says, so that
 * clocks of different machines need not agree.
 */
export class Heartbeats {
  readonly #clock: Clock;
  readonly #nodes = new Map<string, { at: number; stamps: Map<string, string> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when the stamp is news. `source` is where it was read: the lease, or the node's status. */
  heard(node: string, source: string, stamp: string | undefined): boolean {
    let known = this.#nodes.get(node);
    if (!known) {
      // Seen for the first time: it gets a whole period, however old its stamp.
      known = { at: this.#clock.monotonic(), stamps: new Map() };
      this.#nodes.set(node, known);
    }
    if (stamp === undefined || known.stamps.get(source) === stamp) return false;
    known.stamps.set(source, stamp);
    known.at = this.#clock.monotonic();
    return true;
  }

  /** Milliseconds since the last sign of life. */
  silence(node: string): number {
    const known = this.#nodes.get(node);
    return known ? this.#clock.monotonic() - known.at : 0;
  }

  forget(node: string): void {
    this.#nodes.delete(node);
  }
}
