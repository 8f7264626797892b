/** EncryptionConfiguration (apiserver.config.k8s.io/v1): which resources are written how. */

export interface KeyConfig {
  name: string;
  /** Base64. */
  secret: string;
}

export interface KmsConfig {
  apiVersion?: string;
  name: string;
  /** `unix:///path` */
  endpoint: string;
  timeout?: string;
}

export interface ProviderConfig {
  identity?: object;
  aesgcm?: { keys?: KeyConfig[] };
  aescbc?: { keys?: KeyConfig[] };
  secretbox?: { keys?: KeyConfig[] };
  kms?: KmsConfig;
}

export interface ResourceConfig {
  resources: string[];
  providers: ProviderConfig[];
}

const kinds = ["aesgcm", "aescbc", "secretbox", "identity", "kms"] as const;
const lengths = { aesgcm: [16, 24, 32], aescbc: [16, 24, 32], secretbox: [32] } as const;

/** Throws an Error with every mistake, in Kubernetes' words. */
export function readEncryption(value: unknown): ResourceConfig[] {
  const config = value as { apiVersion?: string; kind?: string; resources?: Partial<ResourceConfig>[] };
  if (typeof config !== "object" || config === null || config.kind !== "EncryptionConfiguration")
    throw new Error("it holds no EncryptionConfiguration");
  if (config.apiVersion !== "apiserver.config.k8s.io/v1")
    throw new Error(`unknown version ${config.apiVersion} of EncryptionConfiguration`);
  const mistakes: string[] = [];
  if (!config.resources?.length)
    mistakes.push("resources: Required value: at least one resources is required");
  const names = new Set<string>();
  for (const [i, { resources = [], providers = [] }] of (config.resources ?? []).entries()) {
    const at = `resources[${i}]`;
    if (resources.length === 0)
      mistakes.push(`${at}.resources: Required value: at least one ${at}.resources is required`);
    if (providers.length === 0)
      mistakes.push(`${at}.providers: Required value: at least one ${at}.providers is required`);
    for (const [j, resource] of resources.entries())
      checkResource(resource, `${at}.resources[${j}]`, mistakes);
    for (const [j, provider] of providers.entries())
      checkProvider(provider, `${at}.providers[${j}]`, names, mistakes);
  }
  if (mistakes.length > 0) throw new Error(mistakes.join("; "));
  return config.resources as ResourceConfig[];
}

function checkResource(resource: string, at: string, mistakes: string[]): void {
  const invalid = (why: string): void =>
    void mistakes.push(`${at}: Invalid value: ${JSON.stringify(resource)}: ${why}`);
  if (resource === "*")
    invalid("use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources");
  if (resource !== resource.toLowerCase()) invalid("resource name should not contain capital letters");
  if (resource.endsWith(".events.k8s.io"))
    invalid(
      "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file",
    );
  if (resource.endsWith(".extensions"))
    invalid("'extensions' group has been removed and cannot be used for encryption");
}

function checkProvider(provider: ProviderConfig, at: string, names: Set<string>, mistakes: string[]): void {
  const given = kinds.filter((kind) => provider[kind] !== undefined && provider[kind] !== null);
  if (given.length === 0) {
    mistakes.push(
      `${at}: Invalid value: provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity`,
    );
  }
  if (given.length > 1) {
    mistakes.push(
      `${at}: Invalid value: more than one provider specified in a single element, should split into different list elements`,
    );
  }
  for (const kind of ["aesgcm", "aescbc", "secretbox"] as const) {
    const keys = provider[kind]?.keys;
    if (!provider[kind]) continue;
    if (!keys?.length) mistakes.push(`${at}.${kind}.keys: Required value: at least one keys is required`);
    for (const [i, { name, secret }] of (keys ?? []).entries()) {
      const where = `${at}.${kind}.keys[${i}]`;
      if (!name) mistakes.push(`${where}.name: Required value: name is a mandatory field for a key`);
      if (!secret) mistakes.push(`${where}.secret: Required value: secret is a mandatory field for a key`);
      else if (!/^[A-Za-z0-9+/]+={0,2}$/.test(secret))
        mistakes.push(`${where}.secret: Invalid value: "REDACTED": secrets must be base64 encoded`);
      else {
        const { length } = Buffer.from(secret, "base64");
        const allowed: readonly number[] = lengths[kind];
        if (!allowed.includes(length)) {
          mistakes.push(
            `${where}.secret: Invalid value: "REDACTED": secret is not of the expected length, got ${length}, expected one of [${allowed.join(" ")}]`,
          );
        }
      }
    }
  }
  if (provider.kms) checkKms(provider.kms, `${at}.kms`, names, mistakes);
}

function checkKms(kms: KmsConfig, at: string, names: Set<string>, mistakes: string[]): void {
  if (kms.apiVersion !== "v2") {
    mistakes.push(
      `${at}.apiVersion: Invalid value: ${JSON.stringify(kms.apiVersion ?? "v1")}: unsupported apiVersion ${kms.apiVersion ?? "v1"} for KMS provider, only v2 is served`,
    );
  }
  if (!kms.name) mistakes.push(`${at}.name: Required value: name is a mandatory field for a provider`);
  else if (kms.name.includes(":"))
    mistakes.push(`${at}.name: Invalid value: invalid KMS provider name ${kms.name}, must not contain ':'`);
  else if (names.has(kms.name))
    mistakes.push(`${at}.name: Invalid value: duplicate KMS provider name ${kms.name}, names must be unique`);
  names.add(kms.name);
  if (!kms.endpoint)
    mistakes.push(`${at}.endpoint: Invalid value: "": endpoint is a mandatory field for a kms`);
  else if (!kms.endpoint.startsWith("unix://")) {
    const scheme = kms.endpoint.split(":", 1)[0] ?? "";
    mistakes.push(
      `${at}.endpoint: Invalid value: ${JSON.stringify(kms.endpoint)}: unsupported scheme ${JSON.stringify(scheme)} for KMS provider, only unix is supported`,
    );
  }
}

/** Does an entry of `resources` speak of this one? The core group is "". */
export function concerns(entry: string, group: string, plural: string): boolean {
  if (entry === "*.*") return true;
  if (entry === "*.") return group === "";
  if (entry.startsWith("*.")) return entry.slice(2) === group;
  return entry === (group === "" ? plural : `${plural}.${group}`) || (group === "" && entry === `${plural}.`);
}
