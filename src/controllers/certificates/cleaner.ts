import { X509Certificate } from "node:crypto";
import type { CertificateSigningRequest } from "../../api/index.ts";
import { settled } from "../../client/index.ts";
import type { ControllerContext } from "../context.ts";
import { ignoreMissing } from "../failures.ts";
import { conditionOf, requestsOf, runRequestLoop } from "./requests.ts";

const hourMs = 3_600_000;
/** How long a finished request is kept. */
const doneMs = hourMs;
/** How long a pending request is kept. */
const waitingMs = 24 * hourMs;

/** Deletes finished and forgotten requests. */
export async function runCertificateCleaner(context: ControllerContext): Promise<void> {
  const { client, clock } = context;
  const api = requestsOf(client);

  await runRequestLoop(context, {
    name: "csrcleaner",
    workers: 1,
    async reconcile(request) {
      if (request.metadata?.deletionTimestamp) return settled;
      const left = endOf(request) - clock.now();
      if (left === Infinity) return settled;
      if (left >= 0)
        return { kind: "again", afterMs: Math.min(left + 1, waitingMs), why: "the end of its time" };
      const { name = "", uid, resourceVersion } = request.metadata ?? {};
      await ignoreMissing(api.delete(undefined, name, { preconditions: { uid, resourceVersion } }));
      return settled;
    },
  });
}

/** When to delete it; milliseconds since the epoch, Infinity for never. */
function endOf(request: CertificateSigningRequest): number {
  const { certificate, conditions = [] } = request.status ?? {};
  const after = (time: string | undefined, ms: number): number => (time ? Date.parse(time) + ms : Infinity);
  const approved = conditionOf(request, "Approved");
  return Math.min(
    conditions.length === 0 ? after(request.metadata?.creationTimestamp, waitingMs) : Infinity,
    after(conditionOf(request, "Denied"), doneMs),
    after(conditionOf(request, "Failed"), doneMs),
    after(approved, certificate ? doneMs : waitingMs),
    approved !== undefined && certificate ? expiry(certificate) : Infinity,
  );
}

function expiry(certificate: string): number {
  try {
    return Date.parse(new X509Certificate(Buffer.from(certificate, "base64")).validTo);
  } catch {
    return Infinity;
  }
}
