/** XSalsa20 with Poly1305, like NaCl's secretbox. Node has no XSalsa20. */
import { randomBytes } from "node:crypto";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { named, TransformError, type Transformer } from "./transformer.ts";

const nonceLength = 24;

export function secretbox(name: string, key: Uint8Array): Transformer {
  const { prefix, mark, labels } = named("secretbox", name, key);
  return {
    prefix,
    mark,
    labels,
    encrypt(plain) {
      const nonce = randomBytes(nonceLength);
      return Buffer.concat([Buffer.from(prefix), nonce, xsalsa20poly1305(key, nonce).encrypt(plain)]);
    },
    decrypt(stored) {
      const sealed = stored.subarray(prefix.length);
      if (sealed.length < nonceLength)
        throw new TransformError("the stored data was shorter than the required size");
      try {
        const cipher = xsalsa20poly1305(key, sealed.subarray(0, nonceLength));
        return { plain: Buffer.from(cipher.decrypt(sealed.subarray(nonceLength))), mark };
      } catch (cause) {
        throw new TransformError("output array cannot be decrypted", { cause });
      }
    },
  };
}
