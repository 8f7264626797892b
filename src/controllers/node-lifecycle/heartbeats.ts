import type { Clock } from "../../machinery/index.ts";

/**
 * The time of each node's last heartbeat by the local clock: any changed timestamp is a heartbeat, whatever its value, so that
 * the clocks of machines need not agree.
 */
export class Heartbeats {
  readonly #clock: Clock;
  readonly #nodes = new Map<string, { at: number; stamps: Map<string, string> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when the timestamp is new. `source`: the lease, or the node's status. */
  heard(node: string, source: string, stamp: string | undefined): boolean {
    let known = this.#nodes.get(node);
    if (!known) {
      // The first observation starts a whole period, however old the timestamp.
      known = { at: this.#clock.monotonic(), stamps: new Map() };
      this.#nodes.set(node, known);
    }
    if (stamp === undefined || known.stamps.get(source) === stamp) return false;
    known.stamps.set(source, stamp);
    known.at = this.#clock.monotonic();
    return true;
  }

  /** Milliseconds since the last heartbeat. */
  silence(node: string): number {
    const known = this.#nodes.get(node);
    return known ? this.#clock.monotonic() - known.at : 0;
  }

  forget(node: string): void {
    this.#nodes.delete(node);
  }
}
