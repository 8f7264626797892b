/** Authorities of the built-in signers. */
import { readFileSync } from "node:fs";
import { type SignerName, signerNames, type SigningConfig } from "../../controllers/index.ts";
import { checkKeyPair, type Signer } from "../../machinery/index.ts";
import { ClusterError } from "../cluster-error.ts";

/** One authority for all of them. */
export const signingBy = (signer: Signer): SigningConfig => ({
  signers: Object.fromEntries(signerNames.map((name) => [name, signer])),
});

/** Flags of kube-controller-manager (--cluster-signing-*); absolute paths. */
export interface SigningFiles {
  signers: Partial<Record<SignerName, { cert: string; key: string }>>;
  /** Maximum lifetime of a certificate, in milliseconds. */
  durationMs?: number;
}

/** Reads them once. Throws a ClusterError for an invalid file. */
export function readSigning({ signers, durationMs }: SigningFiles): SigningConfig {
  const read = Object.entries(signers).map(([name, files]): [string, Signer] => {
    try {
      const signer = { cert: readFileSync(files.cert, "utf8"), key: readFileSync(files.key, "utf8") };
      checkKeyPair(signer);
      return [name, signer];
    } catch (cause) {
      const why = `error reading CA cert file ${JSON.stringify(files.cert)}: ${(cause as Error).message}`;
      throw new ClusterError(`failed to init ${name} certificate controller: ${why}`, { cause });
    }
  });
  return { signers: Object.fromEntries(read), ...(durationMs === undefined ? {} : { durationMs }) };
}
