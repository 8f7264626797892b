/** Chooses the certificate of a connection, as kube-apiserver does with --tls-sni-cert-key, and Go's crypto/tls among them. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { isDns1123Subdomain } from "../../machinery/index.ts";

/** PEM; intermediate certificates may follow. */
export interface ServingPair {
  cert: string;
  key: string;
}

/** For clients that ask for one of the names (`*.` matches one label); without names, for those in the certificate. */
export interface NamedPair extends ServingPair {
  names: readonly string[];
}

/** Certificates of a port. */
export interface ServingTls extends ServingPair {
  /** Authorities of client certificates. */
  clientCa: string;
  /** Of several for one name the first is used. */
  named?: readonly NamedPair[];
}

/** TLS settings. */
export interface TlsTerms {
  /** --tls-min-version. Default 1.2. */
  minTls?: "TLSv1.2" | "TLSv1.3" | undefined;
  /** Cipher suites by OpenSSL's names, separated by colons: --tls-cipher-suites. */
  ciphers?: string | undefined;
}

interface Candidate {
  certificate: X509Certificate;
  options: SecureContextOptions;
  context: SecureContext;
}

export class CertificateChoice {
  readonly #default: Candidate;
  readonly #named: readonly Candidate[];
  readonly #byName: ReadonlyMap<string, Candidate>;

  constructor({ cert, key, clientCa, named = [] }: ServingTls, { minTls = "TLSv1.2", ciphers }: TlsTerms) {
    const common = { minVersion: minTls, ca: clientCa, ...(ciphers === undefined ? {} : { ciphers }) };
    const candidate = (pair: ServingPair): Candidate => {
      const options = { ...common, cert: pair.cert, key: pair.key };
      return {
        certificate: new X509Certificate(pair.cert),
        options,
        context: createSecureContext(options),
      };
    };
    this.#default = candidate({ cert, key });
    this.#named = named.map(candidate);
    this.#byName = byName(named, this.#named);
  }

  /** By server name: an exact name, a wildcard, the default certificate if it is valid for the host, then any other valid one. */
  forName(name: string): SecureContext {
    const asked = name.toLowerCase();
    const isFor = ({ certificate }: Candidate): boolean =>
      certificate.checkHost(asked, { subject: "never" }) !== undefined;
    const chosen =
      this.#byName.get(asked) ??
      this.#byName.get(asked.replace(/^[^.]*/, "*")) ??
      [this.#default, ...this.#named].find(isFor);
    return (chosen ?? this.#default).context;
  }

  /** For clients that send no server name, by the address of the connection. */
  forAddress(host: string): SecureContextOptions {
    return (this.#byName.get(host) ?? this.#default).options;
  }
}

/** Configured names take precedence over names in certificates. */
function byName(named: readonly NamedPair[], candidates: readonly Candidate[]): Map<string, Candidate> {
  const given = new Map<string, Candidate>();
  const extracted = new Map<string, Candidate>();
  for (const [i, candidate] of candidates.entries()) {
    const names = named[i]?.names ?? [];
    const own = names.length > 0 ? names : namesOf(candidate.certificate);
    const into = names.length > 0 ? given : extracted;
    for (const name of own) if (!into.has(name)) into.set(name, candidate);
  }
  return new Map([...extracted, ...given]);
}

/** DNS names, and the common name if it is one. Not addresses, which cannot be server names. */
function namesOf(certificate: X509Certificate): string[] {
  const common = [certificate.toLegacyObject().subject.CN ?? []].flat().at(-1);
  const isName = (name: string): boolean =>
    isIP(name) === 0 && (name === "*" || isDns1123Subdomain(name.replace(/^\*\./, "")).length === 0);
  const alternative = (certificate.subjectAltName ?? "")
    .split(", ")
    .flatMap((each) => (each.startsWith("DNS:") ? [each.slice(4)] : []));
  return [...(common !== undefined && isName(common) ? [common] : []), ...alternative];
}
