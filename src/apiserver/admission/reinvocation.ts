/**
 * Reinvocation: in the second round of mutating admission those webhooks and policies are called again that have
 * `reinvocationPolicy: IfNeeded` and have not seen a later change.
 */
import { deepEqual } from "../../machinery/index.ts";
import type { AdmissionRequest } from "./chain.ts";

/** A plugin's memory of the first round. */
export class Memory {
  /** Called, and to be called again when the object changes. */
  readonly #asked = new Set<string>();
  /** To be called again. */
  readonly #again = new Set<string>();
  /** The object as this plugin left it. */
  #left: unknown;

  /** The memory of a plugin for a request. */
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

  /** The second round only calls those of the first that may have missed a change. */
  mayAsk(id: string, { reinvocation }: AdmissionRequest): boolean {
    return !reinvocation.again || this.#again.has(id);
  }

  /** Called, and to be called again when the object changes. */
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
