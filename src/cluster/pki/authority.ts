import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { type CertificateRequest, type Issuer, issueCertificate, type KeyPair } from "./certificate.ts";

const day = 24 * 3600 * 1000;
/** Lifetimes as kubeadm chooses them. */
const authorityDays = 3650;
const leafDays = 365;
/** Clients' clocks may be behind. */
const backdateMs = 5 * 60 * 1000;

export interface CertificateAuthority {
  /** PEM, what clients trust. */
  readonly cert: string;
  readonly key: string;
  issue(request: Omit<CertificateRequest, "notBefore" | "notAfter">, now: number): KeyPair;
}

export function createAuthority(commonName: string, now: number): CertificateAuthority {
  return loadAuthority(
    issueCertificate({
      commonName,
      usages: ["ca"],
      notBefore: new Date(now - backdateMs),
      notAfter: new Date(now + authorityDays * day),
    }),
  );
}

/** Throws Node's error when a PEM is damaged. */
export function loadAuthority(pair: KeyPair): CertificateAuthority {
  const key = createPrivateKey(pair.key);
  const subject = new X509Certificate(pair.cert).subject;
  const commonName = /^CN=(.*)$/m.exec(subject)?.[1];
  if (commonName === undefined) throw new Error(`the authority's certificate has no common name: ${subject}`);
  const issuer: Issuer = { commonName, key, publicKey: createPublicKey(key) };
  return {
    cert: pair.cert,
    key: pair.key,
    issue: (request, now) =>
      issueCertificate(
        { ...request, notBefore: new Date(now - backdateMs), notAfter: new Date(now + leafDays * day) },
        issuer,
      ),
  };
}

/** True when less than a third of its lifetime is left, or a name is missing. */
export function needsRenewal(cert: string, hosts: readonly string[], now: number): boolean {
  const parsed = new X509Certificate(cert);
  const from = parsed.validFromDate.getTime();
  const to = parsed.validToDate.getTime();
  if (now < from || to - now < (to - from) / 3) return true;
  return !hosts.every(
    (host) => parsed.checkHost(host, { wildcards: false }) === host || parsed.checkIP(host) === host,
  );
}
