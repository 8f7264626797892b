/** ConfigMap and Secret: data, and immutability. */
import {
  deepEqual,
  forbidden,
  invalid,
  isConfigMapKey,
  isObject,
  jsonProblem,
  required,
  tooLong,
  wasEmptied,
  wholeObject,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { ConfigMap, Secret, ServiceAccount } from "../generated/types.ts";
import { immutable } from "../metadata.ts";

/** Size limit of a ConfigMap or Secret, in bytes. */
const sizeLimit = 1024 * 1024;
const fixedText = "field is immutable when `immutable` is set";

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

export function validateConfigMap(map: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [name, value] of Object.entries(map.data ?? {})) {
    for (const text of isConfigMapKey(name)) errors.push(invalid(`data[${name}]`, name, text));
    if (map.binaryData && Object.hasOwn(map.binaryData, name)) {
      errors.push(invalid(`data[${name}]`, name, "duplicate of key present in binaryData"));
    }
    size += value.length > sizeLimit / 3 ? byteLength(value) : value.length;
  }
  for (const [name, value] of Object.entries(map.binaryData ?? {})) {
    for (const text of isConfigMapKey(name)) errors.push(invalid(`binaryData[${name}]`, name, text));
    size += decodedLength(value);
  }
  if (size > sizeLimit) errors.push(tooLong(wholeObject, sizeLimit));
  return errors;
}

/** Decoded size of base64. */
const decodedLength = (text: string): number =>
  Math.floor((text.length * 3) / 4) - (/=*$/.exec(text)?.[0].length ?? 0);

/** An empty map instead of none is a change here, as in Go. */
function isChanged<T extends object>(object: T, old: T, name: keyof T & string): boolean {
  return !deepEqual(object[name], old[name]) || wasEmptied(object, name);
}

export function validateConfigMapUpdate(map: ConfigMap, old: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  if (!old.immutable) return errors;
  if (!map.immutable) errors.push(forbidden("immutable", fixedText));
  // Kubernetes defaults `data` to an empty map, so that none and an empty one are the same.
  if (!deepEqual(map.data, old.data)) errors.push(forbidden("data", fixedText));
  if (isChanged(map, old, "binaryData")) errors.push(forbidden("binaryData", fixedText));
  return errors;
}

function encode(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** `stringData` is write-only and merged into `data`. */
export function defaultSecret(secret: Secret): void {
  secret.type ||= "Opaque";
  if (!secret.stringData) return;
  secret.data ??= {};
  for (const [name, value] of Object.entries(secret.stringData)) secret.data[name] = encode(value);
  delete secret.stringData;
}

/** Required keys by Secret type; all but an SSH key may be empty. */
const wanted: Record<string, readonly string[]> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

export function validateSecret(secret: Secret): FieldError[] {
  const errors: FieldError[] = [];
  const data = secret.data ?? {};
  let size = 0;
  for (const [name, value] of Object.entries(data)) {
    for (const text of isConfigMapKey(name)) errors.push(invalid(`data[${name}]`, name, text));
    size += decodedLength(value);
  }
  if (size > sizeLimit) errors.push(tooLong("data", sizeLimit));
  if (
    secret.type === "kubernetes.io/service-account-token" &&
    !secret.metadata?.annotations?.["kubernetes.io/service-account.name"]
  ) {
    errors.push(required("metadata.annotations[kubernetes.io/service-account.name]"));
  }
  if (secret.type === "kubernetes.io/basic-auth" && !("username" in data) && !("password" in data)) {
    errors.push(required("data[username]"), required("data[password]"));
  }
  for (const name of wanted[secret.type ?? ""] ?? []) {
    const value = data[name];
    if (value === undefined || (value === "" && name === "ssh-privatekey"))
      errors.push(required(`data[${name}]`));
    else if (name.startsWith(".docker")) checkJson(value, `data[${name}]`, errors);
  }
  return errors;
}

/** Registry credentials must be a JSON object. */
function checkJson(encoded: string, path: string, errors: FieldError[]): void {
  const say = (text: string): void => void errors.push(invalid(path, "<secret contents redacted>", text));
  const text = new TextDecoder().decode(Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0)));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    say(jsonProblem(text));
    return;
  }
  if (value === null || isObject(value)) return;
  const type = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  say(`json: cannot unmarshal ${type} into Go value of type map[string]interface {}`);
}

export function validateSecretUpdate(secret: Secret, old: Secret): FieldError[] {
  const errors: FieldError[] = [];
  immutable("type", secret.type, old.type, errors);
  if (old.immutable) {
    if (!secret.immutable) errors.push(forbidden("immutable", fixedText));
    if (isChanged(secret, old, "data")) errors.push(forbidden("data", fixedText));
  }
  return errors;
}

/** Of a ServiceAccount's secrets only the names are kept. */
export function keepSecretNames(account: ServiceAccount): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}));
}

const mountable = "kubernetes.io/enforce-mountable-secrets";

/** Warns only when the annotation is new. */
export function accountWarnings({ metadata }: ServiceAccount, old?: ServiceAccount): string[] {
  if (
    metadata?.annotations?.[mountable] === undefined ||
    old?.metadata?.annotations?.[mountable] !== undefined
  ) {
    return [];
  }
  return [
    `metadata.annotations[${mountable}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
  ];
}

/** Warns of a TLS Secret without PEM; whether key and certificate match is not checked. */
export function secretWarnings({ type, data }: Secret): string[] {
  if (type !== "kubernetes.io/tls") return [];
  for (const [key, what, block] of [
    ["tls.crt", "certificate", "CERTIFICATE"],
    ["tls.key", "key", "PRIVATE KEY"],
  ] as const) {
    const blocks = [
      ...atob(data?.[key] ?? "").matchAll(/-----BEGIN ([^-]+)-----[A-Za-z0-9+/=\s]+?-----END \1-----/g),
    ];
    if (blocks.length === 0) return [`tls: failed to find any PEM data in ${what} input`];
    if (blocks.some((each) => each[1] === block || each[1]?.endsWith(` ${block}`))) continue;
    const [only] = blocks.length === 1 ? blocks : [];
    if (key === "tls.crt" && only?.[1]?.endsWith("PRIVATE KEY")) {
      return [
        "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
      ];
    }
    if (key === "tls.key" && only?.[1] === "CERTIFICATE") {
      return ["tls: found a certificate rather than a key in the PEM for the private key"];
    }
    const types = blocks.map((each) => each[1]).join(" ");
    return key === "tls.crt"
      ? [
          `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${types}]`,
        ]
      : [
          `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${types}]`,
        ];
  }
  return [];
}
