/**
 * Parsing YAML takes microseconds and hundreds of bytes of memory per byte: a body of maximum length would block the event loop
 * for ten seconds. Long ones are parsed in a thread of their own, one at a time, before their verb runs.
 */
import { Worker } from "node:worker_threads";
import { GoYamlError, readYamlBody, type YamlBody } from "../../machinery/index.ts";
import type { YamlAnswer, YamlRequest } from "./yaml-messages.ts";

/** Shorter ones are parsed synchronously. */
export const longYamlBytes = 64 * 1024;

/** Memory limit of the parser's thread. Applies to new threads. */
export const yamlThread = { maxHeapMb: 1024 };
/** Idle timeout of the thread. */
const idleMs = 30_000;

/** Results of parsed bodies. */
const outcomes = new WeakMap<Uint8Array, YamlBody | GoYamlError>();

/** The parsed body, from the cache or parsed now. Throws GoYamlError. */
export function yamlOf(body: Uint8Array, text: string): YamlBody {
  const known = outcomes.get(body);
  if (!known) return readYamlBody(text);
  if (known instanceof GoYamlError) throw known;
  return known;
}

/** Parses a body in the thread, for `yamlOf`. False when it takes too much memory. */
export async function readAside(body: Uint8Array, text: string): Promise<boolean> {
  const answer = await readText(text);
  if (!answer) return false;
  outcomes.set(body, answer.body ?? new GoYamlError(answer.problem ?? ""));
  return true;
}

/** The current thread. */
let reader: YamlReader | undefined;

/** Undefined when it takes too much memory. */
function readText(text: string): Promise<YamlAnswer | undefined> {
  reader ??= new YamlReader();
  return reader.read(text);
}

interface Waiting {
  text: string;
  settle(answer: YamlAnswer | undefined | Promise<YamlAnswer | undefined>): void;
}

class YamlReader {
  readonly #worker: Worker;
  /** In order. */
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #idle: NodeJS.Timeout | undefined;

  constructor() {
    // The worker's file has this file's ending: .ts from source, .js when bundled.
    const ending = import.meta.url.slice(import.meta.url.lastIndexOf("."));
    this.#worker = new Worker(new URL(`./yaml-worker${ending}`, import.meta.url), {
      name: "wherry-yaml",
      resourceLimits: { maxOldGenerationSizeMb: yamlThread.maxHeapMb },
    });
    this.#worker.unref();
    this.#worker.on("message", (answer: YamlAnswer) => this.#settle(answer));
    // Followed by its end.
    this.#worker.on("error", () => this.#over());
    this.#worker.on("exit", () => this.#ended());
  }

  read(text: string): Promise<YamlAnswer | undefined> {
    const id = this.#nextId++;
    clearTimeout(this.#idle);
    this.#worker.ref();
    return new Promise((settle) => {
      this.#waiting.set(id, { text, settle });
      this.#worker.postMessage({ id, text } satisfies YamlRequest);
    });
  }

  /** Takes no further texts. */
  #over(): void {
    clearTimeout(this.#idle);
    if (reader === this) reader = undefined;
  }

  /** The text being parsed took too much memory; the waiting ones did not. */
  #ended(): void {
    this.#over();
    const [first, ...others] = this.#waiting.values();
    this.#waiting.clear();
    first?.settle(undefined);
    for (const { text, settle } of others) settle(readText(text));
  }

  #settle(answer: YamlAnswer): void {
    this.#waiting.get(answer.id)?.settle(answer);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size > 0) return;
    this.#worker.unref();
    this.#idle = setTimeout(() => {
      this.#over();
      void this.#worker.terminate();
    }, idleMs).unref();
  }
}
