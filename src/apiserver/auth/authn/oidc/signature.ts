/** Supported signatures of JSON Web Tokens (RFC 7518, without HMAC and none). */
import { constants, type KeyObject, verify } from "node:crypto";

interface Algorithm {
  hash: string;
  type: "rsa" | "ec";
  pss?: true;
  curve?: string;
}

const algorithms: Readonly<Record<string, Algorithm>> = {
  RS256: { hash: "sha256", type: "rsa" },
  RS384: { hash: "sha384", type: "rsa" },
  RS512: { hash: "sha512", type: "rsa" },
  PS256: { hash: "sha256", type: "rsa", pss: true },
  PS384: { hash: "sha384", type: "rsa", pss: true },
  PS512: { hash: "sha512", type: "rsa", pss: true },
  ES256: { hash: "sha256", type: "ec", curve: "prime256v1" },
  ES384: { hash: "sha384", type: "ec", curve: "secp384r1" },
  ES512: { hash: "sha512", type: "ec", curve: "secp521r1" },
};

/** Throws an error in kube-apiserver's words for an unknown name. */
export function checkSigningAlgorithms(names: readonly string[]): void {
  for (const name of names)
    if (!Object.hasOwn(algorithms, name))
      throw new Error(`oidc: unsupported signing alg: ${JSON.stringify(name)}`);
}

/** True when the key signed the token by this algorithm. */
export function isSigned(token: string, name: unknown, key: KeyObject): boolean {
  const algorithm =
    typeof name === "string" && Object.hasOwn(algorithms, name) ? algorithms[name] : undefined;
  if (!algorithm || key.asymmetricKeyType !== algorithm.type) return false;
  if (algorithm.curve && key.asymmetricKeyDetails?.namedCurve !== algorithm.curve) return false;
  const end = token.lastIndexOf(".");
  const text = Buffer.from(token.slice(0, end));
  const signature = Buffer.from(token.slice(end + 1), "base64url");
  const how = algorithm.pss
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { key, dsaEncoding: "ieee-p1363" as const };
  return verify(algorithm.hash, text, how, signature);
}
