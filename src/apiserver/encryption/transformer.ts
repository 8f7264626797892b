import { createHash } from "node:crypto";

/** One way of writing values so that only its key reads them. */
export interface Transformer {
  /** What everything it has written begins with; "" for plain values. */
  readonly prefix: string;
  /** Values that were written under another mark are to be written again. */
  readonly mark: string;
  /** What it is called where values are counted: its kind, and the key where it has a name. Undefined for plain values. */
  readonly labels?: readonly string[];
  /** The plugin that keeps its key. */
  readonly provider?: string;
  /** `key`: where the value is stored. It is authenticated with it: a value moved elsewhere cannot be read. */
  encrypt(plain: Uint8Array, key: string): Uint8Array;
  /** `mark` tells how the value was written. A promise only when somebody else must be asked first. */
  decrypt(stored: Uint8Array, key: string): Opened | Promise<Opened>;
}

export interface Opened {
  plain: Uint8Array;
  mark: string;
}

/** Counts what is done to values. `label`: of the transformer. */
export interface TransformationWatch {
  /** Milliseconds of the clock that goes on steadily. */
  now(): number;
  /** `error`: why it failed. */
  done(direction: "from_storage" | "to_storage", label: string, ms: number, error?: unknown): void;
}

export const common = "k8s:enc:";

/** A value that cannot be read, with the reason Kubernetes gives. */
export class TransformError extends Error {}

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  bytes.length >= text.length &&
  Buffer.from(bytes.buffer, bytes.byteOffset, text.length).toString("latin1") === text;

/** What a key with a name goes by: a new secret under an old name is another key. */
export function named(
  kind: "aesgcm" | "aescbc" | "secretbox",
  name: string,
  key: Uint8Array,
): Pick<Transformer, "prefix" | "mark"> & { labels: readonly string[] } {
  const outer = `${common}${kind}:v1:`;
  const prefix = `${outer}${name}:`;
  const mark = prefix + createHash("sha256").update(key).digest("base64").slice(0, 16);
  return { prefix, mark, labels: [outer, `${name}:`] };
}

/** Plain values. */
export const identity: Transformer = {
  prefix: "",
  mark: "",
  encrypt: (plain) => plain,
  decrypt(stored) {
    if (startsWith(stored, common))
      throw new TransformError("identity transformer tried to read encrypted data");
    return { plain: stored, mark: "" };
  },
};

/** Writes with the first of them, reads with whichever wrote. */
export class Transformers {
  readonly #all: readonly Transformer[];
  readonly #watch: TransformationWatch | undefined;

  constructor(all: readonly Transformer[], watch?: TransformationWatch) {
    this.#all = all.length === 0 ? [identity] : all;
    this.#watch = watch;
  }

  /** The same, counted. */
  watched(watch: TransformationWatch): Transformers {
    return new Transformers(this.#all, watch);
  }

  get writer(): Transformer {
    return this.#all[0] ?? identity;
  }

  /** What values are marked with that were written as they would be now. */
  get mark(): string {
    return this.writer.mark;
  }

  encrypt(plain: Uint8Array, key: string): Uint8Array {
    const { writer } = this;
    const watch = this.#watch;
    if (!watch) return writer.encrypt(plain, key);
    const began = watch.now();
    try {
      const stored = writer.encrypt(plain, key);
      tell(watch, "to_storage", writer.labels ?? [""], began);
      return stored;
    } catch (error) {
      tell(watch, "to_storage", writer.labels ?? [""], began, error);
      throw error;
    }
  }

  decrypt(stored: Uint8Array, key: string): Opened | Promise<Opened> {
    let failure: unknown;
    const began = this.#watch?.now() ?? 0;
    for (const each of this.#all) {
      if (each.prefix === "" ? startsWith(stored, common) : !startsWith(stored, each.prefix)) continue;
      const count = (error?: unknown): void =>
        tell(this.#watch, "from_storage", each.labels ?? ["identity"], began, error);
      try {
        const opened = each.decrypt(stored, key);
        if (!(opened instanceof Promise)) {
          count();
          return opened;
        }
        return opened.then(
          (late) => {
            count();
            return late;
          },
          (error: unknown) => {
            count(error);
            throw error;
          },
        );
      } catch (error) {
        count(error);
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    const problem = new TransformError(
      this.#all.length === 1 && this.#all[0] === identity
        ? "identity transformer tried to read encrypted data"
        : "no matching prefix found",
    );
    tell(this.#watch, "from_storage", ["unknown"], began, problem);
    throw problem;
  }
}

function tell(
  watch: TransformationWatch | undefined,
  direction: "from_storage" | "to_storage",
  labels: readonly string[],
  began: number,
  error?: unknown,
): void {
  if (!watch) return;
  const ms = watch.now() - began;
  for (const label of labels) watch.done(direction, label, ms, error);
}
