/** One way of writing values so that only its key reads them. */
export interface Transformer {
  /** What everything it has written begins with; "" for plain values. */
  readonly prefix: string;
  /** Values that were written under another mark are to be written again. */
  readonly mark: string;
  /** `key`: where the value is stored. It is authenticated with it: a value moved elsewhere cannot be read. */
  encrypt(plain: Uint8Array, key: string): Uint8Array;
  /** `mark` tells how the value was written. A promise only when somebody else must be asked first. */
  decrypt(stored: Uint8Array, key: string): Opened | Promise<Opened>;
}

export interface Opened {
  plain: Uint8Array;
  mark: string;
}

export const common = "k8s:enc:";

/** A value that cannot be read, with the reason Kubernetes gives. */
export class TransformError extends Error {}

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  bytes.length >= text.length &&
  Buffer.from(bytes.buffer, bytes.byteOffset, text.length).toString("latin1") === text;

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

  constructor(all: readonly Transformer[]) {
    this.#all = all.length === 0 ? [identity] : all;
  }

  get writer(): Transformer {
    return this.#all[0] ?? identity;
  }

  /** What values are marked with that were written as they would be now. */
  get mark(): string {
    return this.writer.mark;
  }

  encrypt(plain: Uint8Array, key: string): Uint8Array {
    return this.writer.encrypt(plain, key);
  }

  decrypt(stored: Uint8Array, key: string): Opened | Promise<Opened> {
    let failure: unknown;
    for (const each of this.#all) {
      if (each.prefix === "" ? startsWith(stored, common) : !startsWith(stored, each.prefix)) continue;
      try {
        return each.decrypt(stored, key);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    throw new TransformError(
      this.#all.length === 1 && this.#all[0] === identity
        ? "identity transformer tried to read encrypted data"
        : "no matching prefix found",
    );
  }
}
