import { Agent } from "node:https";
import { trusting } from "../../machinery/index.ts";
import { checkServerIdentity } from "../network/go-errors.ts";

/** Idle timeout of connections, as in Go. */
const idleMs = 90_000;
/** More than the bundles in a usual cluster. */
const maxAgents = 32;

/** Agents with keep-alive: one per CA bundle, since trust is a property of the agent. */
export class Agents {
  /** Most recently used last. */
  readonly #agents = new Map<string, Agent>();

  get size(): number {
    return this.#agents.size;
  }

  /** `caBundle`: base64 of PEM certificates; "" for the system's authorities. */
  of(caBundle: string): Agent {
    const known = this.#agents.get(caBundle);
    if (known) {
      this.#agents.delete(caBundle);
      this.#agents.set(caBundle, known);
      return known;
    }
    this.#dropOldest();
    const ca = caBundle === "" ? undefined : Buffer.from(caBundle, "base64").toString();
    const agent = new Agent({
      keepAlive: true,
      timeout: idleMs,
      checkServerIdentity,
      ...trusting(ca),
    });
    this.#agents.set(caBundle, agent);
    return agent;
  }

  /** Closes agents of other bundles, once their calls have ended. */
  keepOnly(bundles: ReadonlySet<string>): void {
    for (const [bundle, agent] of this.#agents) if (!bundles.has(bundle)) this.#drop(bundle, agent);
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #dropOldest(): void {
    for (const [bundle, agent] of this.#agents) {
      if (this.#agents.size < maxAgents) return;
      this.#drop(bundle, agent);
    }
  }

  #drop(bundle: string, agent: Agent): void {
    this.#agents.delete(bundle);
    for (const sockets of Object.values(agent.freeSockets))
      for (const socket of sockets ?? []) socket.destroy();
    // Pending calls get their answer; their connections are then closed.
    agent.maxFreeSockets = 0;
  }
}
