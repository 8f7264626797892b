import { X509Certificate } from "node:crypto";
import type { Credentials, Peer, UserInfo } from "../../auth-contract.ts";

export interface FrontProxyTrust {
  /** PEM of the authorities that issue front proxies' certificates. */
  ca: string;
  /** Common names of trusted proxies; empty: all certificates of the authority. */
  allowedNames: readonly string[];
  /** The headers to read; all by default. */
  headers?: Readonly<Record<"user" | "group" | "uid" | "extra", boolean>>;
}

const allHeaders = { user: true, group: true, uid: true, extra: true };

type Certificate = NonNullable<Peer["certificate"]>;

const extraPrefix = "x-remote-extra-";
const lines = (value: string | undefined): string[] => (value === undefined ? [] : value.split("\n"));

/** Authenticates by the headers of a front proxy: X-Remote-User, -Group, -Uid and -Extra-KEY. */
export class FrontProxyAuthenticator {
  readonly #authorities: readonly X509Certificate[];
  readonly #names: readonly string[];
  readonly #reads: NonNullable<FrontProxyTrust["headers"]>;
  /** Trust in certificates by fingerprint. */
  readonly #judged = new Map<string, boolean>();

  constructor({ ca, allowedNames, headers = allHeaders }: FrontProxyTrust) {
    this.#reads = headers;
    this.#authorities = certificatesOf(ca);
    this.#names = allowedNames;
  }

  /** Undefined when it is not from a front proxy, or without a user. */
  authenticate({ headers, peer: { certificate } }: Credentials): UserInfo | undefined {
    const reads = this.#reads;
    const name = reads.user ? lines(headers["x-remote-user"])[0] : undefined;
    if (!name || !certificate || !this.#trusts(certificate)) return undefined;
    const extra: Record<string, string[]> = {};
    for (const header in headers) {
      if (!reads.extra || !header.startsWith(extraPrefix)) continue;
      const key = unescaped(header.slice(extraPrefix.length));
      extra[key] = [...(extra[key] ?? []), ...lines(headers[header])];
    }
    const uid = reads.uid ? lines(headers["x-remote-uid"])[0] : undefined;
    return {
      name,
      groups: reads.group ? lines(headers["x-remote-group"]) : [],
      ...(uid ? { uid } : {}),
      ...(Object.keys(extra).length > 0 ? { extra } : {}),
    };
  }

  #trusts(certificate: Certificate): boolean {
    const { commonName, fingerprint, der } = certificate;
    if (!fingerprint || !der) return false;
    if (this.#names.length > 0 && !this.#names.includes(commonName)) return false;
    let trusted = this.#judged.get(fingerprint);
    if (trusted === undefined) {
      if (this.#judged.size > 1000) this.#judged.clear();
      trusted = isIssuedBy(der, this.#authorities);
      this.#judged.set(fingerprint, trusted);
    }
    return trusted;
  }
}

export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

export function hasCertificates(pem: string): boolean {
  try {
    return certificatesOf(pem).length > 0;
  } catch {
    return false;
  }
}

/** TLS has checked its dates and purpose already. */
export function isIssuedBy(der: Uint8Array, authorities: readonly X509Certificate[]): boolean {
  const certificate = new X509Certificate(der);
  return authorities.some((each) => certificate.checkIssued(each) && certificate.verify(each.publicKey));
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
