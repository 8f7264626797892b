import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { named, TransformError, type Transformer } from "./transformer.ts";

const nonceLength = 12;
const tagLength = 16;
const blockLength = 16;

const gcmName = (key: Uint8Array) => `aes-${(key.length * 8) as 256}-gcm` as const;
const cbcName = (key: Uint8Array) => `aes-${(key.length * 8) as 256}-cbc` as const;

/** Nonce, ciphertext and tag in one piece. */
export function sealGcm(key: Uint8Array, plain: Uint8Array, authenticated: string): Buffer {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv(gcmName(key), key, nonce);
  cipher.setAAD(Buffer.from(authenticated));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

export function openGcm(key: Uint8Array, sealed: Uint8Array, authenticated: string): Buffer {
  if (sealed.length < nonceLength + tagLength)
    throw new TransformError("the stored data was shorter than the required size");
  const end = sealed.length - tagLength;
  const decipher = createDecipheriv(gcmName(key), key, sealed.subarray(0, nonceLength), {
    authTagLength: tagLength,
  });
  decipher.setAAD(Buffer.from(authenticated));
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceLength, end)), decipher.final()]);
  } catch (cause) {
    throw new TransformError("cipher: message authentication failed", { cause });
  }
}

const written = (prefix: string, bytes: Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from(prefix), ...bytes]);

/**
 * Keys have 16, 24 or 32 bytes. Nonces are random, so a key should be rotated before 2^32 writes, as Kubernetes' documentation
 * warns.
 */
export function aesGcm(name: string, key: Uint8Array): Transformer {
  const { prefix, mark, labels } = named("aesgcm", name, key);
  return {
    prefix,
    mark,
    labels,
    encrypt: (plain, at) => written(prefix, [sealGcm(key, plain, at)]),
    decrypt: (stored, at) => ({ plain: openGcm(key, stored.subarray(prefix.length), at), mark }),
  };
}

/** Unauthenticated: only for values written by other servers. */
export function aesCbc(name: string, key: Uint8Array): Transformer {
  const { prefix, mark, labels } = named("aescbc", name, key);
  return {
    prefix,
    mark,
    labels,
    encrypt(plain) {
      const iv = randomBytes(blockLength);
      const cipher = createCipheriv(cbcName(key), key, iv);
      return written(prefix, [iv, cipher.update(plain), cipher.final()]);
    },
    decrypt(stored) {
      const sealed = stored.subarray(prefix.length);
      if (sealed.length < blockLength)
        throw new TransformError("the stored data was shorter than the required size");
      if (sealed.length % blockLength !== 0)
        throw new TransformError("the stored data is not a multiple of the block size");
      const decipher = createDecipheriv(cbcName(key), key, sealed.subarray(0, blockLength));
      try {
        const plain = Buffer.concat([decipher.update(sealed.subarray(blockLength)), decipher.final()]);
        return { plain, mark };
      } catch (cause) {
        throw new TransformError("invalid padding on input", { cause });
      }
    },
  };
}
