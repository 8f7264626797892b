/**
 * YAML takes some microseconds and some hundred bytes of memory for each byte: a body as long as bodies may be would hold everybody up
 * for ten seconds. Long ones are read on a thread of their own, one after the other, before their verb has its turn.
 */
import { Worker } from "node:worker_threads";
import { GoYamlError, readYamlBody, type YamlBody } from "../../machinery/index.ts";
import type { YamlAnswer, YamlRequest } from "./yaml-messages.ts";

/** Shorter ones are read where they are needed. */
export const longYamlBytes = 64 * 1024;

/** A text that needs more memory than this to be read is too much. Counts for threads that begin later. */
export const yamlThread = { maxHeapMb: 1024 };
/** So long does the thread wait for another text. */
const idleMs = 30_000;

/** What is known of texts that were read before. */
const outcomes = new WeakMap<Uint8Array, YamlBody | GoYamlError>();

/** What the text of a body says, from before or now. Throws GoYamlError. */
export function yamlOf(body: Uint8Array, text: string): YamlBody {
  const known = outcomes.get(body);
  if (!known) return readYamlBody(text);
  if (known instanceof GoYamlError) throw known;
  return known;
}

/** Reads the text of a body aside, for `yamlOf`. False when it takes too much memory. */
export async function readAside(body: Uint8Array, text: string): Promise<boolean> {
  const answer = await readText(text);
  if (!answer) return false;
  outcomes.set(body, answer.body ?? new GoYamlError(answer.problem ?? ""));
  return true;
}

/** The one that takes texts. */
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
  /** In the order in which they are read. */
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

  /** It takes nothing more. */
  #over(): void {
    clearTimeout(this.#idle);
    if (reader === this) reader = undefined;
  }

  /** The text that was being read took too much; those behind it did not. */
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
