import { type Clock, type Logger, parseDuration } from "../../machinery/index.ts";
import type { Store } from "../../store/index.ts";
import { aesCbc, aesGcm } from "./aes.ts";
import { concerns, type ProviderConfig, readEncryption, type ResourceConfig } from "./config.ts";
import { EncryptedStore, type TransformersOf } from "./encrypted-store.ts";
import { KmsProvider } from "./kms/kms-provider.ts";
import { identity, type Transformer, Transformers } from "./transformer.ts";

const kmsTimeoutMs = 3000;

/** A store whose values lie as the file says, and everything around it. */
export interface Encryption {
  store: Store;
  /** Takes another configuration. Throws an Error for one with mistakes, and goes on with the one before. */
  configure(value: unknown): Promise<void>;
  /** For /readyz: throws while a KMS plugin is not healthy. */
  healthy(): void;
  /** Ends what asks plugins. The store is closed by itself. */
  close(): void;
}

export function openEncryption(store: Store, options: { clock: Clock; log: Logger }): Encryption {
  const encrypted = new EncryptedStore(store, () => undefined);
  let plugins: KmsProvider[] = [];
  return {
    store: encrypted,
    async configure(value) {
      const made = await makeAll(readEncryption(value), options);
      encrypted.configure(made.choose);
      for (const plugin of plugins) plugin.close();
      plugins = made.plugins;
    },
    healthy() {
      for (const plugin of plugins) plugin.healthy();
    },
    close() {
      for (const plugin of plugins) plugin.close();
    },
  };
}

async function makeAll(
  config: readonly ResourceConfig[],
  options: { clock: Clock; log: Logger },
): Promise<{ choose: TransformersOf; plugins: KmsProvider[] }> {
  const plugins: KmsProvider[] = [];
  const entries = await Promise.all(
    config.map(async ({ resources, providers }) => {
      const made = await Promise.all(providers.map((provider) => make(provider, options, plugins)));
      return { resources, transformers: new Transformers(made.flat()) };
    }),
  );
  await Promise.all(plugins.map((plugin) => plugin.start()));
  return {
    plugins,
    choose: (group, plural) =>
      entries.find(({ resources }) => resources.some((entry) => concerns(entry, group, plural)))
        ?.transformers,
  };
}

async function make(
  { aesgcm, aescbc, secretbox, kms }: ProviderConfig,
  options: { clock: Clock; log: Logger },
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
