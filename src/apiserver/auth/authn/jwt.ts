import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/** JSON Web Tokens (RFC 7519) with the two algorithms of ServiceAccount tokens. */
export interface VerifyingKey {
  readonly publicKey: KeyObject;
  readonly algorithm: "ES256" | "RS256";
  /** base64url of the SHA-256 of the public key, as Kubernetes derives it. */
  readonly id: string;
}

export interface SigningKey extends VerifyingKey {
  readonly key: KeyObject;
}

export function signingKey(key: KeyObject): SigningKey {
  // Exported as PEM, since some versions of Node do not take a private KeyObject here.
  return { key, ...verifyingKey(createPublicKey(key.export({ type: "pkcs8", format: "pem" }))) };
}

export function verifyingKey(publicKey: KeyObject): VerifyingKey {
  const der = publicKey.export({ type: "spki", format: "der" });
  return {
    publicKey,
    algorithm: publicKey.asymmetricKeyType === "rsa" ? "RS256" : "ES256",
    id: createHash("sha256").update(der).digest("base64url"),
  };
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export function signToken(claims: object, signer: SigningKey): string {
  const text = `${encode({ alg: signer.algorithm, kid: signer.id })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(text), { key: signer.key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

/** Decodes header and claims without verification; undefined when it is not a JWT. */
export function readToken(token: string): { header: Record<string, unknown>; claims: unknown } | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    return {
      header: JSON.parse(Buffer.from(parts[0] ?? "", "base64url").toString("utf8")),
      claims: JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString("utf8")),
    };
  } catch {
    return undefined;
  }
}

/** True when one of the keys signed it, with the key's own algorithm (the token's header is not trusted). */
export function isSignedBy(token: string, algorithm: unknown, keys: readonly VerifyingKey[]): boolean {
  const end = token.lastIndexOf(".");
  const text = Buffer.from(token.slice(0, end));
  const signature = Buffer.from(token.slice(end + 1), "base64url");
  return keys.some(
    (candidate) =>
      candidate.algorithm === algorithm &&
      verify("sha256", text, { key: candidate.publicKey, dsaEncoding: "ieee-p1363" }, signature),
  );
}

/** The public key as a JSON Web Key (RFC 7517). */
export function publicJwk(signer: VerifyingKey): Record<string, unknown> {
  return { use: "sig", kid: signer.id, alg: signer.algorithm, ...signer.publicKey.export({ format: "jwk" }) };
}
