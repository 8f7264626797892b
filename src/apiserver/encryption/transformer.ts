import { createHash } from "node:crypto";

/** Encrypts and decrypts values. */
export interface Transformer {
  /** Prefix of its values; "" for plain ones. */
  readonly prefix: string;
  /** Values with another mark are stale. */
  readonly mark: string;
  /** Labels in metrics: its kind, and the key's name if any. Undefined for plain values. */
  readonly labels?: readonly string[];
  /** The plugin that keeps its key. */
  readonly provider?: string;
  /** `key`: where the value is stored. It is authenticated data: a value moved elsewhere cannot be decrypted. */
  encrypt(plain: Uint8Array, key: string): Uint8Array;
  /** `mark` tells how the value was written. A promise only when a plugin has to be called. */
  decrypt(stored: Uint8Array, key: string): Opened | Promise<Opened>;
}

export interface Opened {
  plain: Uint8Array;
  mark: string;
}

/** Metrics. `label`: of the transformer. */
export interface TransformationWatch {
  /** Monotonic clock, in milliseconds. */
  now(): number;
  /** `error`: the failure, if any. */
  done(direction: "from_storage" | "to_storage", label: string, ms: number, error?: unknown): void;
}

export const common = "k8s:enc:";

/** A value that cannot be decrypted, with Kubernetes' reason. */
export class TransformError extends Error {}

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  bytes.length >= text.length &&
  Buffer.from(bytes.buffer, bytes.byteOffset, text.length).toString("latin1") === text;

/** Prefix, mark and labels of a named key. The mark depends on its secret: a new secret under an old name is another key. */
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

/** Writes with the first of them, reads with the one that wrote. */
export class Transformers {
  readonly #all: readonly Transformer[];
  readonly #watch: TransformationWatch | undefined;

  constructor(all: readonly Transformer[], watch?: TransformationWatch) {
    this.#all = all.length === 0 ? [identity] : all;
    this.#watch = watch;
  }

  /** With metrics. */
  watched(watch: TransformationWatch): Transformers {
    return new Transformers(this.#all, watch);
  }

  get writer(): Transformer {
    return this.#all[0] ?? identity;
  }

  /** The mark of values written now. */
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
