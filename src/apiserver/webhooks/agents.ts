import { Agent } from "node:https";
import { trusting } from "../../machinery/index.ts";
import { checkServerIdentity } from "../network/go-errors.ts";

/** How long a connection that nobody uses stays open, as in Go. */
const idleMs = 90_000;
/** More bundles than webhooks of a usual cluster have. */
const maxAgents = 32;

/** Connections that stay open between calls: one agent per bundle of authorities, since trust is the agent's. */
export class Agents {
  /** The one used last is last. */
  readonly #agents = new Map<string, Agent>();

  get size(): number {
    return this.#agents.size;
  }

  /** `caBundle`: base64 of PEM certificates; "" for the machine's own authorities. */
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

  /** Closes what belongs to bundles that nobody has any more, as soon as nobody waits for an answer there. */
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
    // Calls that are under way get their answer; their connections are not kept.
    agent.maxFreeSockets = 0;
  }
}
