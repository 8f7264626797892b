import { type Clock, type Logger, parseDuration } from "../../machinery/index.ts";
import type { Store } from "../../store/index.ts";
import { aesCbc, aesGcm } from "./aes.ts";
import { type EncryptionMetrics, statusOf, type TransformationMeter } from "../metrics/encryption.ts";
import { byResource, lookups, type ProviderConfig, readEncryption, type ResourceConfig } from "./config.ts";
import { EncryptedStore, type TransformersOf } from "./encrypted-store.ts";
import { KmsProvider } from "./kms/kms-provider.ts";
import { identity, type TransformationWatch, type Transformer, Transformers } from "./transformer.ts";

const kmsTimeoutMs = 3000;

/** An encrypted store and its configuration. */
export interface Encryption {
  store: Store;
  /** Replaces the configuration. Throws an Error when it is invalid, and keeps the former one. */
  configure(value: unknown): Promise<void>;
  /** For /readyz: throws while a KMS plugin is not healthy. */
  healthy(): void;
  /** Stops the calls of plugins. The store is closed separately. */
  close(): void;
}

/** A new plugin must become healthy within this time, or longer if its timeouts ask for it. */
const leastCheckMs = 10_000;
const checkEveryMs = 100;

export interface EncryptionOptions {
  clock: Clock;
  log: Logger;
  meters?: EncryptionMetrics;
}

export function openEncryption(store: Store, options: EncryptionOptions): Encryption {
  const { clock, meters } = options;
  const encrypted = new EncryptedStore(
    store,
    () => undefined,
    meters && ((transformers, resource) => transformers.watched(watchOf(meters, clock, resource))),
  );
  let plugins: KmsProvider[] | undefined;
  const closing = new Set<() => void>();
  let closed = false;
  return {
    store: encrypted,
    async configure(value) {
      const made = await makeAll(readEncryption(value), options);
      // At start a plugin may become healthy later; afterwards the former configuration stays until the new plugins are healthy.
      if (plugins) await untilHealthy(made.plugins, clock, () => closed);
      const old = plugins ?? [];
      encrypted.configure(made.choose);
      plugins = made.plugins;
      if (old.length === 0) return;
      // Calls of the old plugins may be pending.
      const close = (): void => {
        closing.delete(close);
        timer.stop();
        for (const plugin of old) plugin.close();
      };
      const timer = clock.timer(graceOf(old), close);
      closing.add(close);
    },
    healthy() {
      for (const plugin of plugins ?? []) plugin.healthy();
    },
    close() {
      closed = true;
      for (const close of closing) close();
      for (const plugin of plugins ?? []) plugin.close();
    },
  };
}

const graceOf = (plugins: readonly KmsProvider[]): number =>
  2 * plugins.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0);

/** Throws why a plugin is not healthy, or when `closed`, and closes them all. */
async function untilHealthy(
  plugins: readonly KmsProvider[],
  clock: Clock,
  closed: () => boolean,
): Promise<void> {
  const end = clock.monotonic() + Math.max(leastCheckMs, graceOf(plugins));
  for (;;) {
    try {
      for (const plugin of plugins) plugin.healthy();
      if (!closed()) return;
      throw new Error("the server ends");
    } catch (cause) {
      if (closed() || clock.monotonic() >= end) {
        for (const plugin of plugins) plugin.close();
        throw new Error(`health check for new transformers failed: ${(cause as Error).message}`, { cause });
      }
      await clock.sleep(checkEveryMs);
      for (const plugin of plugins) await plugin.check();
    }
  }
}

function watchOf(meters: EncryptionMetrics, clock: Clock, resource: string): TransformationWatch {
  const known = new Map<string, TransformationMeter>();
  return {
    now: () => clock.monotonic(),
    done(direction, label, ms, error) {
      const name = `${direction} ${label}`;
      let meter = known.get(name);
      if (!meter) known.set(name, (meter = meters.transformations(resource, direction, label)));
      meter.done(error === undefined ? "OK" : statusOf(error), ms);
    },
  };
}

async function makeAll(
  config: readonly ResourceConfig[],
  options: EncryptionOptions,
): Promise<{ choose: TransformersOf; plugins: KmsProvider[] }> {
  const plugins: KmsProvider[] = [];
  const entries = await Promise.all(
    config.map(async ({ resources, providers }) => {
      const made = await Promise.all(providers.map((provider) => make(provider, options, plugins)));
      return { resources, transformers: made.flat() };
    }),
  );
  await Promise.all(plugins.map((plugin) => plugin.start()));
  const found = new Map([...byResource(entries)].map(([name, all]) => [name, new Transformers(all)]));
  return {
    plugins,
    choose: (group, plural) =>
      lookups(group, plural)
        .map((name) => found.get(name))
        .find((each) => each !== undefined),
  };
}

async function make(
  { aesgcm, aescbc, secretbox, kms }: ProviderConfig,
  options: EncryptionOptions,
  plugins: KmsProvider[],
): Promise<Transformer[]> {
  const keyed = (
    keys: readonly { name: string; secret: string }[] | undefined,
    way: (name: string, key: Uint8Array) => Transformer,
  ): Transformer[] => (keys ?? []).map(({ name, secret }) => way(name, Buffer.from(secret, "base64")));
  if (aesgcm) return keyed(aesgcm.keys, aesGcm);
  if (aescbc) return keyed(aescbc.keys, aesCbc);
  if (secretbox) return keyed(secretbox.keys, (await import("./secretbox.ts")).secretbox);
  if (!kms) return [identity];
  const plugin = new KmsProvider({
    name: kms.name,
    path: kms.endpoint.slice("unix://".length),
    timeoutMs: kms.timeout === undefined ? kmsTimeoutMs : parseDuration(kms.timeout),
    ...options,
  });
  plugins.push(plugin);
  return [plugin];
}
