/**
 * Keys of a key management service (KMS v2, KEP-3299): the plugin encrypts a seed from which a key for each value is derived. It
 * is called at start and when its key changes, never per value.
 */
import { connect } from "node:net";
import { createHash, createHmac, randomBytes, randomUUID } from "node:crypto";
import { type Clock, isDns1123Subdomain, type Logger } from "../../../machinery/index.ts";
import { type EncryptionMetrics, hashOf, statusOf } from "../../metrics/encryption.ts";
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
/** How long values may be written after the plugin last confirmed its key. */
const writesMs = 3 * 60_000;
const seedLength = 32;
const infoLength = 32;
const longestKeyId = 1024;
const longestSource = 1024;
const longestAnnotations = 32 * 1024;
/** Decrypted seeds are forgotten this long after their last use, so that a revoked key is noticed. */
const rememberedMs = 24 * 3600_000;
/** EncryptedDEKSourceType */
const keyType = 0;
const seedType = 1;

interface State {
  keyId: string;
  /** Hash of the key ID, as it is reported. */
  hash: string;
  /** The encrypted seed. */
  source: Buffer;
  annotations: ReadonlyMap<string, Buffer>;
  seed: Buffer;
  /** Monotonic time until which it may be used for writing. */
  until: number;
}

/** Derives a key from the seed and the info stored with the value: HKDF-Expand (RFC 5869) of one block. */
const derived = (seed: Uint8Array, info: Uint8Array): Buffer =>
  createHmac("sha256", seed)
    .update(info)
    .update(Buffer.from([1]))
    .digest();

interface Remembered {
  seed: Buffer;
  /** Monotonic expiry. */
  until: number;
  /** Hash of the ID of the key that encrypted the seed. */
  hash: string;
}

export interface KmsOptions {
  name: string;
  /** Of the unix socket. */
  path: string;
  timeoutMs: number;
  clock: Clock;
  log: Logger;
  meters?: EncryptionMetrics | undefined;
}

export class KmsProvider implements Transformer {
  readonly prefix: string;
  readonly #options: KmsOptions;
  readonly #grpc: UnaryGrpc;
  readonly #stopping = new AbortController();
  readonly labels: readonly string[];
  readonly provider: string;
  /** Decrypted keys and seeds, by all parameters of their decryption. */
  readonly #sources = new Map<string, Remembered>();
  /** Pending decryptions. */
  readonly #asking = new Map<string, Promise<Remembered>>();
  /** The version that the plugin first reported; it must not change. */
  #version: string | undefined;
  #state: State | undefined;
  #failure: Error | undefined = new Error("the plugin was not asked yet");

  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  constructor(options: KmsOptions) {
    this.prefix = `${common}kms:v2:${options.name}:`;
    this.labels = [this.prefix];
    this.provider = options.name;
    this.#options = options;
    this.#grpc = new UnaryGrpc(() => connect(options.path), options.timeoutMs);
  }

  /** Values written with another key of the plugin are stale. */
  get mark(): string {
    return this.prefix + (this.#state?.keyId ?? "");
  }

  /** Resolves after the first status check; checks again until `close`. */
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

  /** Checks the plugin's status; a new key makes a new seed. */
  async check(): Promise<void> {
    const { log, name } = this.#options;
    try {
      await this.#look();
      this.#failure = undefined;
    } catch (cause) {
      const text = (cause as Error).message;
      this.#failure = new Error(`kmsv2 Provider ${name} is not healthy, error: ${text}`, { cause });
      if (!this.#stopping.signal.aborted)
        log.warn("the KMS plugin is not healthy", { provider: name, error: text });
    }
  }

  async #look(): Promise<void> {
    const { clock, name, meters } = this.#options;
    const now = clock.monotonic();
    const status = decodeMessage(await this.#call("Status", Buffer.alloc(0)));
    const [version, health, keyId] = [textOf(status, 1), textOf(status, 2), textOf(status, 3)];
    const problems: string[] = [];
    if (health !== "ok") problems.push(`got unexpected healthz status: ${health}`);
    if (version !== "v2" && version !== "v2beta1")
      problems.push(`expected KMSv2 API version v2, got ${version}`);
    else if ((this.#version ??= version) !== version)
      problems.push(
        `KMSv2 API version should not change after the initial status response version ${this.#version}, got ${version}`,
      );
    const wrong = keyIdProblem(keyId);
    if (wrong) {
      meters?.invalidKeyId(name, keyId === "" ? "empty" : "too_long");
      problems.push(`got invalid KMSv2 KeyID hash ${JSON.stringify(hashOf(keyId))}: ${wrong}`);
    } else {
      meters?.keyTold(name, hashOf(keyId));
      const problem = await this.#rotate(keyId, now).catch((error: Error) => error.message);
      if (problem) problems.push(problem);
    }
    if (problems.length > 1) throw new Error(`[${problems.join(", ")}]`);
    if (problems.length === 1) throw new Error(problems[0]);
  }

  /** Returns the error. */
  async #rotate(keyId: string, now: number): Promise<string | undefined> {
    const until = now + writesMs;
    const state = this.#state;
    if (state?.keyId === keyId) {
      state.until = until;
      this.#remember(sourceKey(state.keyId, state.source, state.annotations), state.seed, state.hash);
      return undefined;
    }
    const fresh = await this.#fresh(until);
    if (fresh.keyId !== keyId)
      return (
        `failed to rotate DEK, statusKeyIDHash=${JSON.stringify(hashOf(keyId))}, ` +
        `encryptKeyIDHash=${JSON.stringify(fresh.hash)}, stateKeyIDHash=${JSON.stringify(state?.hash ?? "")}`
      );
    this.#state = fresh;
    this.#remember(sourceKey(fresh.keyId, fresh.source, fresh.annotations), fresh.seed, fresh.hash);
    return undefined;
  }

  encrypt(plain: Uint8Array, key: string): Uint8Array {
    const state = this.#state;
    if (!state)
      throw new TransformError(`KMS provider ${this.#options.name} has no key: ${this.#failure?.message}`);
    const { clock, name, meters } = this.#options;
    const left = state.until - clock.monotonic();
    if (left < 0) {
      const now = clock.now();
      throw new TransformError(
        `encryptedDEKSource with keyID hash ${JSON.stringify(state.hash)} expired at ${timeOf(now + left)} (current time is ${timeOf(now)})`,
      );
    }
    const info = randomBytes(infoLength);
    const sealed = Buffer.concat([info, sealGcm(derived(state.seed, info), plain, key)]);
    meters?.keyUsed("to_storage", name, state.hash);
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
    const type = numberOf(object, 5) ?? 0;
    const { name, meters, clock } = this.#options;
    const problem =
      type !== keyType && type !== seedType
        ? `unknown encryptedDEKSourceType: ${type}`
        : sealed.length === 0
          ? "encrypted data is empty"
          : sourceProblem(keyId, source, annotations);
    if (problem) throw new TransformError(problem);
    const open = ({ seed, hash }: Remembered): Opened => {
      meters?.keyUsed("from_storage", name, hash);
      // Values with a key instead of a seed are stale.
      if (type === keyType) return { plain: openGcm(seed, sealed, key), mark: `${this.prefix}${keyId}:key` };
      if (sealed.length < infoLength)
        throw new TransformError("the stored data was shorter than the required size");
      const own = derived(seed, sealed.subarray(0, infoLength));
      return { plain: openGcm(own, sealed.subarray(infoLength), key), mark: this.prefix + keyId };
    };
    const id = sourceKey(keyId, source, annotations);
    const known = this.#sources.get(id);
    if (known && known.until > clock.monotonic()) return open(known);
    let asked = this.#asking.get(id);
    if (!asked) {
      asked = this.#ask(id, keyId, source, annotations).finally(() => this.#asking.delete(id));
      this.#asking.set(id, asked);
    }
    return asked.then(open);
  }

  async #ask(
    id: string,
    keyId: string,
    source: Buffer,
    annotations: ReadonlyMap<string, Buffer>,
  ): Promise<Remembered> {
    this.#options.meters?.cacheMisses.add();
    const request = encodeMessage([
      [1, source],
      [2, randomUUID()],
      [3, keyId],
      ...mapMembers(4, annotations),
    ]);
    try {
      const answer = await this.#call("Decrypt", request);
      return this.#remember(id, bytesOf(decodeMessage(answer), 1), hashOf(keyId));
    } catch (cause) {
      throw new TransformError(`failed to decrypt DEK, error: ${(cause as Error).message}`, { cause });
    }
  }

  #remember(id: string, seed: Buffer, hash: string): Remembered {
    const now = this.#options.clock.monotonic();
    for (const [each, { until }] of this.#sources) if (until <= now) this.#sources.delete(each);
    const made = { seed, until: now + rememberedMs, hash };
    this.#sources.set(id, made);
    this.#options.meters?.remembers(this.#options.name, this.#sources.size);
    return made;
  }

  async #fresh(until: number): Promise<State> {
    const { meters, clock } = this.#options;
    const began = clock.monotonic();
    const seed = randomBytes(seedLength);
    meters?.dataKeys.observe((clock.monotonic() - began) / 1000);
    const request = encodeMessage([
      [1, seed],
      [2, randomUUID()],
    ]);
    const answer = decodeMessage(await this.#call("Encrypt", request));
    const source = bytesOf(answer, 1);
    const keyId = textOf(answer, 2);
    const annotations = mapOf(answer, 3);
    const problem = sourceProblem(keyId, source, annotations);
    if (problem) throw new Error(problem);
    return { keyId, hash: hashOf(keyId), source, annotations, seed, until };
  }

  async #call(method: "Status" | "Encrypt" | "Decrypt", request: Uint8Array): Promise<Buffer> {
    const { clock, meters, name } = this.#options;
    const path = `${service}/${method}`;
    const began = clock.monotonic();
    try {
      const answer = await this.#grpc.call(path, request);
      meters?.called(name, path, "OK", clock.monotonic() - began);
      return answer;
    } catch (error) {
      meters?.called(name, path, statusOf(error), clock.monotonic() - began);
      throw error;
    }
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

function keyIdProblem(keyId: string): string | undefined {
  const length = Buffer.byteLength(keyId);
  if (length === 0) return "keyID is empty";
  return length > longestKeyId
    ? `keyID is ${length} bytes, which exceeds the max size of ${longestKeyId}`
    : undefined;
}

/** Why a plugin's answer, or the stored form of it, is invalid. */
function sourceProblem(
  keyId: string,
  source: Uint8Array,
  annotations: ReadonlyMap<string, Uint8Array>,
): string | undefined {
  const prefix = "failed to validate encrypted DEK source: encrypted DEK source is";
  if (source.length === 0) return `${prefix} empty`;
  if (source.length > longestSource)
    return `${prefix} ${source.length} bytes, which exceeds the max size of ${longestSource}`;
  const wrong = keyIdProblem(keyId);
  if (wrong) return `failed to validate key id: ${wrong}`;
  let size = 0;
  for (const [name, value] of annotations) {
    if (isDns1123Subdomain(name).length > 0 || !name.includes("."))
      return `failed to validate annotations: annotations: Invalid value: ${JSON.stringify(name)}: should be a domain with at least two segments separated by dots`;
    size += Buffer.byteLength(name) + value.length;
  }
  return size > longestAnnotations
    ? `failed to validate annotations: total size of annotations is ${size}, which exceeds the max size of ${longestAnnotations}`
    : undefined;
}

/** Precise to the second. */
const timeOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function sourceKey(keyId: string, source: Uint8Array, annotations: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash("sha256").update(JSON.stringify(keyId)).update(source);
  for (const [name, value] of [...annotations].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(JSON.stringify([name, value.length])).update(value);
  return hash.digest("base64");
}
