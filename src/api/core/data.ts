/** ConfigMap and Secret: what they hold, and that immutable ones stay as they are. */
import { deepEqual, forbidden, invalid, isConfigMapKey, required, tooLong } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { ConfigMap, Secret, ServiceAccount } from "../generated/types.ts";
import { immutable } from "../metadata.ts";

/** Bytes a ConfigMap or Secret may hold. */
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
  if (size > sizeLimit) errors.push(tooLong("", sizeLimit));
  return errors;
}

/** Bytes that a base64 text stands for. */
const decodedLength = (text: string): number =>
  Math.floor((text.length * 3) / 4) - (/=*$/.exec(text)?.[0].length ?? 0);

export function validateConfigMapUpdate(map: ConfigMap, old: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  if (!old.immutable) return errors;
  if (!map.immutable) errors.push(forbidden("immutable", fixedText));
  if (!deepEqual(map.data ?? {}, old.data ?? {})) errors.push(forbidden("data", fixedText));
  if (!deepEqual(map.binaryData ?? {}, old.binaryData ?? {})) errors.push(forbidden("binaryData", fixedText));
  return errors;
}

function encode(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** `stringData` is only a way to write `data`. */
export function defaultSecret(secret: Secret): void {
  secret.type ||= "Opaque";
  if (!secret.stringData) return;
  secret.data ??= {};
  for (const [name, value] of Object.entries(secret.stringData)) secret.data[name] = encode(value);
  delete secret.stringData;
}

/** Keys that a secret of a known type must have; of a list, any one of them. */
const wanted: Record<string, readonly (readonly string[])[]> = {
  "kubernetes.io/dockercfg": [[".dockercfg"]],
  "kubernetes.io/dockerconfigjson": [[".dockerconfigjson"]],
  "kubernetes.io/ssh-auth": [["ssh-privatekey"]],
  "kubernetes.io/tls": [["tls.crt"], ["tls.key"]],
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
  for (const names of wanted[secret.type ?? ""] ?? []) {
    if (!names.some((name) => name in data)) errors.push(required(`data[${names[0]}]`));
  }
  for (const name of [".dockercfg", ".dockerconfigjson"]) {
    const value = data[name];
    if (value === undefined || !secret.type?.endsWith(name.slice(1))) continue;
    try {
      JSON.parse(atob(value));
    } catch (error) {
      errors.push(invalid(`data[${name}]`, "<secret contents redacted>", String((error as Error).message)));
    }
  }
  return errors;
}

export function validateSecretUpdate(secret: Secret, old: Secret): FieldError[] {
  const errors: FieldError[] = [];
  immutable("type", secret.type, old.type, errors);
  if (old.immutable) {
    if (!secret.immutable) errors.push(forbidden("immutable", fixedText));
    if (!deepEqual(secret.data ?? {}, old.data ?? {})) errors.push(forbidden("data", fixedText));
  }
  return errors;
}

const mountable = "kubernetes.io/enforce-mountable-secrets";

/** Only whoever sets the annotation anew is told. */
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

/** A TLS secret without PEM blocks in it; whether key and certificate belong together is not looked at. */
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
