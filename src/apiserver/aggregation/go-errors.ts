/** Why another server cannot be reached, in the words of Go's standard library: people search for them. */

const dialWords: Record<string, string> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "i/o timeout",
};

const certificateWords: Record<string, string> = {
  CERT_HAS_EXPIRED: "certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "certificate has expired or is not yet valid",
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT: "certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate signed by unknown authority",
};

export function goErrorText(error: unknown, address: string, serverName: string): string {
  if (!(error instanceof Error)) return String(error);
  const { code = "", cert } = error as NodeJS.ErrnoException & { cert?: { subjectaltname?: string } };
  const dial = dialWords[code];
  if (dial !== undefined) return `dial tcp ${address}: ${dial}`;
  const certificate = certificateWords[code];
  if (certificate !== undefined) return `tls: failed to verify certificate: x509: ${certificate}`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const names = (cert?.subjectaltname ?? "")
      .split(", ")
      .filter((name) => name.startsWith("DNS:"))
      .map((name) => name.slice(4));
    return names.length === 0
      ? `tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match ${serverName}`
      : `tls: failed to verify certificate: x509: certificate is valid for ${names.join(", ")}, not ${serverName}`;
  }
  if (code === "ECONNRESET" || code === "EPIPE")
    return error.message === "socket hang up" ? "EOF" : "read: connection reset by peer";
  if (error.name === "TimeoutError") return "context deadline exceeded";
  return error.message;
}
