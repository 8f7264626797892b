import { readFileSync } from "node:fs";
import { type Clock, systemClock, trusting } from "../../machinery/index.ts";

/** Server address and credentials. Certificates and keys are PEM. */
export interface ServerConnection {
  /** `https://host:port`, optionally with a path; `http://` for a local proxy. */
  server: string;
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  token?: string | undefined;
  /** Re-read every minute, since ServiceAccount tokens are rotated. */
  tokenFile?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Expected name in the server's certificate, if not the host. */
  tlsServerName?: string | undefined;
  insecureSkipTlsVerify?: boolean | undefined;
  impersonate?: string | undefined;
  impersonateGroups?: readonly string[] | undefined;
}

const tokenAgeMs = 60_000;

/** The current `authorization` header; undefined with a client certificate. */
export function authorizationSource(
  connection: ServerConnection,
  clock: Clock = systemClock,
): () => string | undefined {
  const { token, tokenFile, username, password } = connection;
  if (token) return () => `Bearer ${token}`;
  if (tokenFile) {
    let value = "";
    let readAt = Number.NEGATIVE_INFINITY;
    return () => {
      if (clock.monotonic() - readAt > tokenAgeMs) {
        value = `Bearer ${readFileSync(tokenFile, "utf8").trim()}`;
        readAt = clock.monotonic();
      }
      return value;
    };
  }
  if (username !== undefined && password !== undefined) {
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    return () => basic;
  }
  return () => undefined;
}

/** Headers of every request of this connection. */
export function connectionHeaders(connection: ServerConnection): Record<string, string | string[]> {
  return {
    ...(connection.impersonate ? { "impersonate-user": connection.impersonate } : {}),
    ...(connection.impersonateGroups?.length
      ? { "impersonate-group": [...connection.impersonateGroups] }
      : {}),
  };
}

/** The TLS options for node:tls. */
export function tlsOptions(connection: ServerConnection): {
  ca?: string;
  allowPartialTrustChain?: true;
  cert?: string;
  key?: string;
  servername?: string;
  rejectUnauthorized?: boolean;
} {
  return {
    ...trusting(connection.ca),
    ...(connection.cert ? { cert: connection.cert } : {}),
    ...(connection.key ? { key: connection.key } : {}),
    ...(connection.tlsServerName ? { servername: connection.tlsServerName } : {}),
    ...(connection.insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
  };
}
