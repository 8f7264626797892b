/**
 * Who is asked again in the second round of a request's admission (KEP-1040): of webhooks and policies, those that asked
 * for it and have not seen what somebody changed behind them.
 */
import { deepEqual } from "../../machinery/index.ts";
import type { AdmissionRequest } from "./chain.ts";

/** What a plugin remembers from the first round. */
export class Memory {
  /** Asked, and to be asked again when somebody changes the object. */
  readonly #asked = new Set<string>();
  /** To be asked again. */
  readonly #again = new Set<string>();
  /** The object as the last of them left it. */
  #left: unknown;

  /** That of a plugin about a request. */
  static of({ reinvocation: { notes } }: AdmissionRequest, plugin: string): Memory {
    const known = notes.get(plugin);
    if (known instanceof Memory) return known;
    const made = new Memory();
    notes.set(plugin, made);
    return made;
  }

  begin({ object, reinvocation }: AdmissionRequest): void {
    if (reinvocation.again && !deepEqual(this.#left, object)) this.#changed();
  }

  /** Nobody is asked for the first time in the second round. */
  mayAsk(id: string, { reinvocation }: AdmissionRequest): boolean {
    return !reinvocation.again || this.#again.has(id);
  }

  /** He was asked, and wants to be asked again when somebody changes the object. */
  asked(id: string): void {
    this.#asked.add(id);
  }

  changed({ reinvocation }: AdmissionRequest): void {
    this.#changed();
    reinvocation.wanted = true;
  }

  #changed(): void {
    for (const id of this.#asked) this.#again.add(id);
    this.#asked.clear();
  }

  end({ object }: AdmissionRequest): void {
    this.#left = object && structuredClone(object);
  }
}
