/** apiserver_certificates_registry_*: whether signers honour the requested duration of certificates. */
import { X509Certificate } from "node:crypto";
import type { CertificateSigningRequest } from "../../api/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { MetricsRegistry } from "./registry.ts";

/** Tolerance of a certificate's duration, since signers backdate. */
const toleranceMs = 5 * 60_000;

export function describeIssuance(registry: MetricsRegistry, objects: ObjectReader): void {
  const counter = (name: string, help: string) =>
    registry.counter({
      name: `apiserver_certificates_registry_csr_${name}_duration_total`,
      help,
      stability: "ALPHA",
      labels: ["signerName"],
    });
  const requested = counter("requested", "Certificates that were issued to who asked for a duration.");
  const honored = counter("honored", "Those of them that last as long as was asked.");
  objects.onChange<CertificateSigningRequest>(
    "certificates.k8s.io",
    "certificatesigningrequests",
    (type, { spec, status }, old) => {
      const seconds = old?.spec.expirationSeconds;
      if (type !== "modified" || seconds === undefined || old?.status?.certificate || !status?.certificate)
        return;
      const signer = spec.signerName.startsWith("kubernetes.io/") ? spec.signerName : "other";
      requested.with(signer).add();
      if (lasts(Buffer.from(status.certificate, "base64"), seconds * 1000)) honored.with(signer).add();
    },
  );
}

function lasts(pem: Buffer, wantedMs: number): boolean {
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    const ms = Date.parse(validTo) - Date.parse(validFrom);
    return Math.abs(wantedMs - ms) < toleranceMs + wantedMs / 20;
  } catch {
    return false;
  }
}
