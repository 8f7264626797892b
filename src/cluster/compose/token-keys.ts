/** Keys of ServiceAccount tokens, from files in the settings. */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { ClusterError } from "../cluster-error.ts";
import type { ApiServerSettings } from "../config/api-server-settings.ts";

export interface TokenKeys {
  /** PEM; the first signs. */
  signing: readonly [string, ...string[]];
  /** PEM of public keys. */
  verifying: readonly string[];
}

/** `own`: the cluster's key, whose tokens are always accepted. Throws a ClusterError. */
export function tokenKeys({ signingKeyFile, keyFiles = [] }: ApiServerSettings, own: string): TokenKeys {
  const verifying = keyFiles.flatMap((path) => publicKeys("service-account-key-file", path));
  if (!signingKeyFile) return { signing: [own], verifying };
  return { signing: [privateKey("service-account-signing-key-file", signingKeyFile), own], verifying };
}

function privateKey(flag: string, path: string): string {
  const pem = read(flag, path);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    const why = "data does not contain a valid RSA or ECDSA private key";
    throw new ClusterError(`--${flag}: error reading private key file ${path}: ${why}`, { cause });
  }
  checkKind(flag, path, key);
  return pem;
}

/** In public keys, private keys and certificates. */
function publicKeys(flag: string, path: string): string[] {
  const blocks = read(flag, path).match(/-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END \1-----/g) ?? [];
  const keys = blocks.flatMap((block) => {
    try {
      return [createPublicKey(block)];
    } catch {
      return [];
    }
  });
  for (const key of keys) checkKind(flag, path, key);
  if (keys.length === 0)
    throw new ClusterError(
      `--${flag}: error reading public key file ${path}: data does not contain any valid RSA or ECDSA public keys`,
    );
  return keys.map((key) => key.export({ type: "spki", format: "pem" }).toString());
}

function checkKind(flag: string, path: string, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): void {
  if (asymmetricKeyType === "rsa") return;
  if (asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1") return;
  throw new ClusterError(`--${flag}: ${path} holds a key that is neither RSA nor P-256`, {
    hint: "Make one with: openssl ecparam -name prime256v1 -genkey -noout -out FILE",
  });
}

function read(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ClusterError(`--${flag}: ${(cause as Error).message}`, { cause });
  }
}
