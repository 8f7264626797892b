import { randomBytes } from "node:crypto";
import type { CertificateSigningRequest } from "../../api/index.ts";
import { type Outcome, settled } from "../../client/index.ts";
import { endOfSigner, formatTime, type Signer, signCertificate } from "../../machinery/index.ts";
import type { Controller } from "../context.ts";
import { conditionOf, readRequest, requestsOf, runRequestLoop, withCondition } from "./requests.ts";
import { isSignerName, signingProblem, type SignerName } from "./signing-rules.ts";

export interface SigningConfig {
  /** Authorities by signer; requests for other signers are ignored. */
  signers: Partial<Record<SignerName, Signer>>;
  /** Maximum lifetime of a certificate. Default a year. */
  durationMs?: number;
}

const minuteMs = 60_000;
const yearMs = 365 * 24 * 60 * minuteMs;
/** Others' clocks may be behind. */
const backdateMs = 5 * minuteMs;
/** Shorter lifetimes are not reduced by it. */
const shortMs = 8 * 60 * minuteMs;
const shortestMs = 10 * minuteMs;

/** Signs approved requests for the built-in signers, or reports why not. */
export function certificateSigner(
  { signers, durationMs = yearMs }: SigningConfig,
  serial: () => Uint8Array = () => randomBytes(16),
): Controller {
  return async (context) => {
    const { client, clock } = context;
    const api = requestsOf(client);

    await runRequestLoop(context, {
      name: "csrsigning",
      workers: 2,
      async reconcile(request) {
        if (request.status?.certificate) return settled;
        const has = (type: string): boolean => conditionOf(request, type) !== undefined;
        if (!has("Approved") || has("Denied") || has("Failed")) return settled;
        const { signerName, usages = [], expirationSeconds } = request.spec;
        const signer = isSignerName(signerName) ? signers[signerName] : undefined;
        if (!signer || !isSignerName(signerName)) return settled;
        const read = readRequest(request);
        const problem = signingProblem[signerName](read, usages);
        if (problem !== undefined) return await fail(request, problem);
        const unsigned = read.signatureProblem();
        if (unsigned !== undefined)
          throw new Error(`unable to verify certificate request signature: ${unsigned}`);
        const certificate = signCertificate(read, signer, {
          usages,
          serial: serial(),
          ...validity(signer, expirationSeconds, durationMs, clock.now()),
        });
        const status = { ...request.status, certificate: Buffer.from(certificate).toString("base64") };
        await api.updateStatus(undefined, { ...request, status });
        return settled;
      },
    });

    async function fail(request: CertificateSigningRequest, message: string): Promise<Outcome> {
      const failed = withCondition(request, {
        type: "Failed",
        reason: "SignerValidationFailure",
        message,
        lastUpdateTime: formatTime(clock.now()),
      });
      await api.updateStatus(undefined, failed);
      return settled;
    }
  };
}

/** Validity of a certificate, limited by its signer's. Throws when the signer has expired. */
function validity(
  signer: Signer,
  askedSeconds: number | undefined,
  longestMs: number,
  now: number,
): { notBefore: Date; notAfter: Date } {
  const lasts =
    askedSeconds === undefined ? longestMs : Math.min(longestMs, Math.max(askedSeconds * 1000, shortestMs));
  const end = endOfSigner(signer);
  const shown = (): string => formatTime(end);
  if (now - backdateMs >= end) throw new Error(`the signer has expired: NotAfter=${shown()}`);
  if (now >= end)
    throw new Error(`refusing to sign a certificate that expired in the past: NotAfter=${shown()}`);
  const after = now + lasts - (lasts < shortMs ? 0 : backdateMs);
  return { notBefore: new Date(now - backdateMs), notAfter: new Date(Math.min(after, end)) };
}
