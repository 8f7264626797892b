/**
 * Keys from a key management service by a plugin (KMS v2, KEP-3299): the plugin encrypts a seed, and every value has a key of its own
 * that is derived from the seed. So the plugin is asked when its key changes and at the start, never per value.
 */
import { connect } from "node:net";
import { createHash, createHmac, randomBytes, randomUUID } from "node:crypto";
import type { Clock, Logger } from "../../../machinery/index.ts";
import { openGcm, sealGcm } from "../aes.ts";
import { common, type Opened, TransformError, type Transformer } from "../transformer.ts";
import { UnaryGrpc } from "../../network/unary-grpc.ts";
import {
  bytesOf,
  decodeMessage,
  encodeMessage,
  mapMembers,
  mapOf,
  numberOf,
  textOf,
} from "../../codec/protobuf/plain-message.ts";

const service = "/v2.KeyManagementService";
const healthyMs = 60_000;
const unhealthyMs = 10_000;
/** So long values are written after the plugin has last said which key counts. */
const writesMs = 3 * 60_000;
const seedLength = 32;
const infoLength = 32;
const longestKeyId = 1024;
/** EncryptedDEKSourceType */
const seedType = 1;

interface State {
  keyId: string;
  /** The seed as the plugin has encrypted it. */
  source: Buffer;
  annotations: ReadonlyMap<string, Buffer>;
  seed: Buffer;
  /** Monotonic time until which it may be written with. */
  until: number;
}

/** Of the seed and what is stored beside the value: HKDF's second half (RFC 5869), one block long. */
const derived = (seed: Uint8Array, info: Uint8Array): Buffer =>
  createHmac("sha256", seed)
    .update(info)
    .update(Buffer.from([1]))
    .digest();

export interface KmsOptions {
  name: string;
  /** Of the unix socket. */
  path: string;
  timeoutMs: number;
  clock: Clock;
  log: Logger;
}

export class KmsProvider implements Transformer {
  readonly prefix: string;
  readonly #options: KmsOptions;
  readonly #grpc: UnaryGrpc;
  readonly #stopping = new AbortController();
  /** Keys and seeds that were decrypted, by everything they depend on. */
  readonly #sources = new Map<string, Buffer>();
  #state: State | undefined;
  #failure: Error | undefined = new Error("the plugin was not asked yet");

  constructor(options: KmsOptions) {
    this.prefix = `${common}kms:v2:${options.name}:`;
    this.#options = options;
    this.#grpc = new UnaryGrpc(() => connect(options.path), options.timeoutMs);
  }

  /** Values written with another key of the plugin's are to be written again. */
  get mark(): string {
    return this.prefix + (this.#state?.keyId ?? "");
  }

  /** Settles after the plugin was asked once; goes on asking until `close`. */
  async start(): Promise<void> {
    await this.check();
    void this.#poll();
  }

  close(): void {
    this.#stopping.abort();
    this.#grpc.close();
  }

  /** For /readyz. */
  healthy(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Asks how the plugin is; a new key makes a new seed. */
  async check(): Promise<void> {
    const { clock, log, name } = this.#options;
    const now = clock.monotonic();
    try {
      const status = decodeMessage(await this.#grpc.call(`${service}/Status`, Buffer.alloc(0)));
      const health = textOf(status, 2);
      const keyId = textOf(status, 3);
      const version = textOf(status, 1);
      if (version !== "v2" && version !== "v2beta1")
        throw new Error(`expected KMSv2 API version v2, got ${version}`);
      if (health !== "ok") throw new Error(`got unexpected healthz status: ${health}`);
      checkKeyId(keyId);
      if (this.#state?.keyId === keyId) this.#state.until = now + writesMs;
      else this.#state = await this.#fresh(now);
      this.#failure = undefined;
    } catch (error) {
      if (!this.#stopping.signal.aborted)
        log.warn("the KMS plugin is not healthy", { provider: name, error });
      this.#failure = error as Error;
    }
  }

  encrypt(plain: Uint8Array, key: string): Uint8Array {
    const state = this.#state;
    if (!state)
      throw new TransformError(`KMS provider ${this.#options.name} has no key: ${this.#failure?.message}`);
    if (state.until < this.#options.clock.monotonic()) {
      const hash = createHash("sha256").update(state.keyId).digest("hex");
      throw new TransformError(`EDEK with keyID hash "sha256:${hash}" expired`);
    }
    const info = randomBytes(infoLength);
    const sealed = Buffer.concat([info, sealGcm(derived(state.seed, info), plain, key)]);
    return Buffer.concat([
      Buffer.from(this.prefix),
      encodeMessage([
        [1, sealed],
        [2, state.keyId],
        [3, state.source],
        ...mapMembers(4, state.annotations),
        [5, seedType],
      ]),
    ]);
  }

  decrypt(stored: Uint8Array, key: string): Opened | Promise<Opened> {
    const object = decodeMessage(stored.subarray(this.prefix.length));
    const sealed = bytesOf(object, 1);
    const keyId = textOf(object, 2);
    const source = bytesOf(object, 3);
    const annotations = mapOf(object, 4);
    const fromSeed = numberOf(object, 5) === seedType;
    const open = (secret: Uint8Array): Opened => {
      const mark = this.prefix + keyId;
      if (!fromSeed) return { plain: openGcm(secret, sealed, key), mark };
      if (sealed.length < infoLength)
        throw new TransformError("the stored data was shorter than the required size");
      const own = derived(secret, sealed.subarray(0, infoLength));
      return { plain: openGcm(own, sealed.subarray(infoLength), key), mark };
    };
    const known = this.#sources.get(sourceKey(keyId, source, annotations));
    return known ? open(known) : this.#ask(keyId, source, annotations).then(open);
  }

  async #ask(keyId: string, source: Buffer, annotations: ReadonlyMap<string, Buffer>): Promise<Buffer> {
    const request = encodeMessage([
      [1, source],
      [2, randomUUID()],
      [3, keyId],
      ...mapMembers(4, annotations),
    ]);
    let answer: Buffer;
    try {
      answer = await this.#grpc.call(`${service}/Decrypt`, request);
    } catch (cause) {
      throw new TransformError(`failed to decrypt DEK, error: ${(cause as Error).message}`, { cause });
    }
    const secret = bytesOf(decodeMessage(answer), 1);
    this.#sources.set(sourceKey(keyId, source, annotations), secret);
    return secret;
  }

  async #fresh(now: number): Promise<State> {
    const seed = randomBytes(seedLength);
    const answer = decodeMessage(
      await this.#grpc.call(
        `${service}/Encrypt`,
        encodeMessage([
          [1, seed],
          [2, randomUUID()],
        ]),
      ),
    );
    const source = bytesOf(answer, 1);
    const keyId = textOf(answer, 2);
    const annotations = mapOf(answer, 3);
    checkKeyId(keyId);
    if (source.length === 0) throw new Error("encrypted DEK source is empty");
    this.#sources.set(sourceKey(keyId, source, annotations), seed);
    return { keyId, source, annotations, seed, until: now + writesMs };
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopping;
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(this.#failure ? unhealthyMs : healthyMs, signal).catch(() => {});
      if (!signal.aborted) await this.check();
    }
  }
}

function checkKeyId(keyId: string): void {
  if (keyId === "") throw new Error("keyID is empty");
  if (Buffer.byteLength(keyId) > longestKeyId)
    throw new Error(
      `keyID is ${Buffer.byteLength(keyId)} bytes, which exceeds the max size of ${longestKeyId}`,
    );
}

function sourceKey(keyId: string, source: Uint8Array, annotations: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash("sha256").update(JSON.stringify(keyId)).update(source);
  for (const [name, value] of [...annotations].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(JSON.stringify([name, value.length])).update(value);
  return hash.digest("base64");
}
