import { parseDuration } from "../../machinery/index.ts";

/** EncryptionConfiguration (apiserver.config.k8s.io/v1): the providers of each resource. */

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
  cachesize?: number;
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

/** Internal resources of kube-apiserver. */
const unserved = new Set(["apiserveripinfo", "serviceipallocations", "servicenodeportallocations"]);

/** Throws an Error with all mistakes, in Kubernetes' words. */
export function readEncryption(value: unknown): ResourceConfig[] {
  const config = value as { apiVersion?: string; kind?: string; resources?: Partial<ResourceConfig>[] };
  if (typeof config !== "object" || config === null || config.kind !== "EncryptionConfiguration")
    throw new Error("it holds no EncryptionConfiguration");
  if (config.apiVersion !== "apiserver.config.k8s.io/v1")
    throw new Error(`unknown version ${config.apiVersion} of EncryptionConfiguration`);
  const unknown = unknownFields(value);
  if (unknown.length > 0) throw new Error(`strict decoding error: ${unknown.join(", ")}`);
  const mistakes: string[] = [];
  if (!config.resources?.length)
    mistakes.push("resources: Required value: at least one resources is required");
  const names = new Set<string>();
  for (const [i, entry] of (config.resources ?? []).entries()) {
    const at = `resources[${i}]`;
    const resources = entry.resources ?? [];
    const providers = entry.providers ?? [];
    if (resources.length === 0)
      mistakes.push(`${at}.resources: Required value: at least one ${at}.resources is required`);
    checkOverlap(resources, `${at}.resources`, mistakes);
    for (const [j, resource] of resources.entries())
      checkResource(resource, `${at}.resources[${j}]`, mistakes);
    if (providers.length === 0)
      mistakes.push(`${at}.providers: Required value: at least one ${at}.providers is required`);
    for (const [j, provider] of providers.entries())
      checkProvider(provider, `${at}.providers[${j}]`, names, mistakes);
  }
  if (mistakes.length > 0) throw new Error(mistakes.join("; "));
  const read = config.resources as ResourceConfig[];
  checkMasked(read);
  return read;
}

/** Split at the first dot; without one it is in the core group. */
function parseResource(entry: string): { resource: string; group: string } {
  const dot = entry.indexOf(".");
  return dot < 0
    ? { resource: entry, group: "" }
    : { resource: entry.slice(0, dot), group: entry.slice(dot + 1) };
}

const members: Record<string, readonly string[]> = {
  "": ["apiVersion", "kind", "resources"],
  resources: ["resources", "providers"],
  providers: kinds,
  identity: [],
  aesgcm: ["keys"],
  aescbc: ["keys"],
  secretbox: ["keys"],
  keys: ["name", "secret"],
  kms: ["apiVersion", "name", "cachesize", "endpoint", "timeout"],
};

/** Unknown fields are errors, so that a typo cannot leave a resource unencrypted. */
function unknownFields(value: unknown, at = "", place = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((each, i) => unknownFields(each, at, `${place}[${i}]`));
  if (typeof value !== "object" || value === null) return [];
  const known = members[at] ?? [];
  return Object.entries(value).flatMap(([name, each]) => {
    const here = place === "" ? name : `${place}.${name}`;
    return known.includes(name) ? unknownFields(each, name, here) : [`unknown field ${JSON.stringify(here)}`];
  });
}

function checkOverlap(resources: readonly string[], at: string, mistakes: string[]): void {
  const parsed = resources.map(parseResource);
  const all = ({ resource, group }: { resource: string; group: string }): boolean =>
    resource === "*" && group === "*";
  let [repeated, overlaps] = [false, false];
  for (const [i, one] of parsed.entries()) {
    for (const [j, other] of parsed.entries()) {
      if (i === j) continue;
      if (one.resource === other.resource && one.group === other.group) repeated = true;
      else if (all(one)) overlaps = true;
      else if (one.group === other.group && (one.resource === "*" || other.resource === "*")) overlaps = true;
    }
  }
  const invalid = (why: string): void =>
    void mistakes.push(`${at}: Invalid value: ${JSON.stringify(resources)}: ${why}`);
  if (repeated) invalid("the same resource cannot be specified multiple times");
  if (overlaps)
    invalid(
      "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked",
    );
}

function checkResource(entry: string, at: string, mistakes: string[]): void {
  const { resource, group } = parseResource(entry);
  const why =
    entry !== entry.toLowerCase()
      ? "resource name should not contain capital letters"
      : entry === "*"
        ? "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
        : unserved.has(entry)
          ? "resources which do not have REST API/s cannot be encrypted"
          : group === "events.k8s.io"
            ? "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file"
            : group === "extensions"
              ? "'extensions' group has been removed and cannot be used for encryption"
              : group === "*" && resource !== "*"
                ? "encrypting the same resource across groups is not supported"
                : undefined;
  if (why !== undefined) mistakes.push(`${at}: Invalid value: ${JSON.stringify(entry)}: ${why}`);
}

/** Throws for an entry that an earlier one masks. */
function checkMasked(config: readonly ResourceConfig[]): void {
  const seen = new Set<string>();
  for (const { resources } of config) {
    for (const { resource, group } of resources.map(parseResource)) {
      for (const earlier of [`*.${group}`, "*.*"]) {
        if (seen.has(earlier))
          throw new Error(
            `resource ${JSON.stringify(shown(resource, group))} is masked by earlier rule ${JSON.stringify(earlier)}`,
          );
      }
      seen.add(`${resource}.${group}`);
    }
  }
}

const shown = (resource: string, group: string): string =>
  group === "" && resource !== "*" ? resource : `${resource}.${group}`;

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
      else if (!isBase64(secret))
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

/** With padding, as Kubernetes requires; line breaks are ignored. */
function isBase64(text: string): boolean {
  const bare = text.replaceAll(/[\r\n]/g, "");
  return bare.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(bare);
}

function checkKms(kms: KmsConfig, at: string, names: Set<string>, mistakes: string[]): void {
  if (!kms.name) mistakes.push(`${at}.name: Required value: name is a mandatory field for a provider`);
  else if (kms.name.includes(":"))
    mistakes.push(`${at}.name: Invalid value: invalid KMS provider name ${kms.name}, must not contain ':'`);
  else if (names.has(kms.name))
    mistakes.push(`${at}.name: Invalid value: duplicate KMS provider name ${kms.name}, names must be unique`);
  names.add(kms.name);
  if (kms.timeout !== undefined && !isPositive(kms.timeout))
    mistakes.push(`${at}.timeout: Invalid value: "${kms.timeout}": timeout should be a positive value`);
  if (!kms.endpoint)
    mistakes.push(`${at}.endpoint: Invalid value: "": endpoint is a mandatory field for a kms`);
  else if (!kms.endpoint.startsWith("unix://")) {
    const scheme = kms.endpoint.split(":", 1)[0] ?? "";
    mistakes.push(
      `${at}.endpoint: Invalid value: ${JSON.stringify(kms.endpoint)}: unsupported scheme ${JSON.stringify(scheme)} for KMS provider, only unix is supported`,
    );
  }
  const version = kms.apiVersion ?? "v1";
  if (kms.cachesize !== undefined && version !== "v1")
    mistakes.push(`${at}.cachesize: Invalid value: ${kms.cachesize}: cachesize is not supported in v2`);
  if (version === "v1")
    mistakes.push(
      "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.",
    );
  else if (version !== "v2")
    mistakes.push(
      `${at}.apiVersion: Invalid value: ${JSON.stringify(version)}: unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported`,
    );
}

function isPositive(duration: string): boolean {
  try {
    return parseDuration(duration) > 0;
  } catch {
    return false;
  }
}

/** Keys under which a resource's transformers are looked up; the first match counts. */
export const lookups = (group: string, plural: string): string[] => [
  `${plural}.${group}`,
  `*.${group}`,
  "*.*",
];

/** The transformers by key of `lookups`; of several entries for a resource all can read. */
export function byResource<T>(
  config: readonly { resources: readonly string[]; transformers: readonly T[] }[],
): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const { resources, transformers } of config) {
    for (const { resource, group } of resources.map(parseResource)) {
      const name = `${resource}.${group}`;
      found.set(name, [...(found.get(name) ?? []), ...transformers]);
    }
  }
  return found;
}
