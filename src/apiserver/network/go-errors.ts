/** Connection errors in the words of Go's standard library, since people search for them. */
import { formatTime } from "../../machinery/index.ts";
import { X509Certificate } from "node:crypto";
import { getServers } from "node:dns";
import { isIP } from "node:net";
import { checkServerIdentity as checkByNode, type PeerCertificate } from "node:tls";

const dialWords: Record<string, string> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "i/o timeout",
};

const certificateWords: Record<string, string> = {
  CERT_SIGNATURE_FAILURE: "certificate signed by unknown authority",
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate signed by unknown authority",
  INVALID_PURPOSE: "certificate specifies an incompatible key usage",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate signed by unknown authority",
};

/** By error code: the server's certificate was rejected. */
export const isCertificateProblem = (code: string): boolean =>
  code.startsWith("CERT_") || code === "ERR_TLS_CERT_ALTNAME_INVALID" || code in certificateWords;

/** A certificate from Node (`getPeerCertificate`). */
export interface SeenCertificate {
  subject?: { CN?: string | string[] | undefined };
  subjectaltname?: string;
  valid_from?: string;
  valid_to?: string;
  /** DER */
  raw?: Buffer;
}

/**
 * `address`: the dialled `host:port`. `serverName`: the expected name or address in the certificate. `seen`: the rejected
 * certificate, when the error lacks it.
 */
export function goErrorText(
  error: unknown,
  address: string,
  serverName: string,
  seen?: SeenCertificate,
): string {
  if (!(error instanceof Error)) return String(error);
  const { code = "", cert = seen } = error as NodeJS.ErrnoException & { cert?: SeenCertificate };
  const dial = dialWords[code];
  if (dial !== undefined) return `dial tcp ${address}: ${dial}`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return lookup(address.slice(0, address.lastIndexOf(":")));
  const certificate = /digest algorithm too weak/.test(error.message)
    ? `cannot verify signature: insecure algorithm ${weakAlgorithm(cert)}`
    : certificateProblem(code, cert, serverName);
  if (certificate !== undefined) return `tls: failed to verify certificate: x509: ${certificate}`;
  if (code === "ECONNRESET" || code === "EPIPE")
    return error.message === "socket hang up" || /disconnected before secure/.test(error.message)
      ? "EOF"
      : "read: connection reset by peer";
  if (error.name === "TimeoutError" || error.name === "AbortError") return "context deadline exceeded";
  if (/wrong version number|packet length too long|http request/.test(error.message))
    return "http: server gave HTTP response to HTTPS client";
  const alert = /alert ([a-z ]+?)(?: ?:|$)/.exec(error.message)?.[1];
  if (alert !== undefined) return `remote error: tls: ${alert}`;
  return error.message;
}

/** Go's name of the algorithm; OpenSSL only says that it is too weak. */
function weakAlgorithm(cert: SeenCertificate | undefined): string {
  const { signatureAlgorithm = "" } =
    cert?.raw === undefined
      ? {}
      : (new X509Certificate(cert.raw) as { signatureAlgorithm?: string | undefined });
  if (/ecdsa/i.test(signatureAlgorithm)) return "ECDSA-SHA1";
  return /md5/i.test(signatureAlgorithm) ? "MD5-RSA" : "SHA1-RSA";
}

function lookup(host: string): string {
  const server = getServers()[0];
  const where = server === undefined ? "" : ` on ${/:\d+$/.test(server) ? server : `${server}:53`}`;
  return `dial tcp: lookup ${host}${where}: no such host`;
}

function certificateProblem(
  code: string,
  cert: SeenCertificate | undefined,
  serverName: string,
): string | undefined {
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") return outOfTime(code, cert);
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return wrongName(cert ?? {}, serverName);
  return certificateWords[code];
}

const seconds = (time: string | undefined): string | undefined => {
  const at = Date.parse(time ?? "");
  return Number.isNaN(at) ? undefined : formatTime(at);
};

function outOfTime(code: string, cert: SeenCertificate | undefined): string {
  const text = "certificate has expired or is not yet valid";
  const [word, limit] =
    code === "CERT_HAS_EXPIRED" ? ["after", seconds(cert?.valid_to)] : ["before", seconds(cert?.valid_from)];
  return limit === undefined
    ? text
    : `${text}: current time ${formatTime(new Date().getTime())} is ${word} ${limit}`;
}

/** Names or addresses in a certificate; `kind` in OpenSSL's notation. */
const alternatives = (names: string, kind: string): string[] =>
  names
    .split(", ")
    .filter((name) => name.startsWith(`${kind}:`))
    .map((name) => name.slice(kind.length + 1));

function wrongName(cert: SeenCertificate, serverName: string): string {
  const names = cert.subjectaltname ?? "";
  if (names === "" && cert.subject?.CN === serverName)
    return "certificate relies on legacy Common Name field, use SANs instead";
  const isAddress = isIP(serverName) !== 0;
  const valid = alternatives(names, isAddress ? "IP Address" : "DNS");
  if (valid.length === 0) {
    return isAddress
      ? `cannot validate certificate for ${serverName} because it doesn't contain any IP SANs`
      : `certificate is not valid for any names, but wanted to match ${serverName}`;
  }
  return `certificate is valid for ${valid.join(", ")}, not ${serverName}`;
}

/** Node falls back to the common name of certificates without alternative names; Go and browsers do not (RFC 9525). */
export function checkServerIdentity(host: string, cert: PeerCertificate): Error | undefined {
  if (cert.subjectaltname) return checkByNode(host, cert);
  const error = new Error(wrongName(cert, host));
  return Object.assign(error, { code: "ERR_TLS_CERT_ALTNAME_INVALID", host, cert });
}
