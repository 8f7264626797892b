import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CertificateAuthority, createAuthority, loadAuthority, needsRenewal } from "./authority.ts";
import type { KeyPair } from "./certificate.ts";
import { identities, type Identity } from "./identities.ts";

/** All secrets of a cluster, as PEM. */
export interface ClusterCertificates {
  /** Signs the API server, the kubelet and every client. */
  ca: string;
  caKey: string;
  /** Signs the API server's client certificate for extension servers. */
  frontProxyCa: string;
  apiserver: KeyPair;
  kubelet: KeyPair;
  /** Client certificates, by identity. */
  clients: Record<keyof typeof identities, KeyPair>;
  frontProxyClient: KeyPair;
  /** Signs ServiceAccount tokens. */
  serviceAccountKey: string;
}

export interface CertificateHosts {
  apiserver: readonly string[];
  kubelet: readonly string[];
  nodeName: string;
}

/** Written to a temporary file and renamed, so that a crash leaves the old or the new one. */
function writeSecret(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readPair(dir: string, name: string): KeyPair | undefined {
  const cert = join(dir, `${name}.crt`);
  const key = join(dir, `${name}.key`);
  if (!existsSync(cert) || !existsSync(key)) return undefined;
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

function writePair(dir: string, name: string, pair: KeyPair): void {
  writeSecret(join(dir, `${name}.key`), pair.key);
  writeSecret(join(dir, `${name}.crt`), pair.cert);
}

function authority(dir: string, name: string, commonName: string, now: number): CertificateAuthority {
  const stored = readPair(dir, name);
  if (stored) return loadAuthority(stored);
  const made = createAuthority(commonName, now);
  writePair(dir, name, made);
  return made;
}

/**
 * Reads the certificates below `dir`, creates missing ones and renews those that expire soon or lack a host. The authorities are
 * created once and kept, since clients trust them. Idempotent; call it again while running to renew.
 */
export function ensureCertificates(dir: string, hosts: CertificateHosts, now: number): ClusterCertificates {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const ca = authority(dir, "ca", "wherry-ca", now);
  const frontProxy = authority(dir, "front-proxy-ca", "wherry-front-proxy-ca", now);
  const leaf = (
    name: string,
    signer: CertificateAuthority,
    identity: Identity,
    usages: ("server" | "client")[],
    names: readonly string[] = [],
  ): KeyPair => {
    const stored = readPair(dir, name);
    if (stored && !needsRenewal(stored.cert, names, now)) return stored;
    const made = signer.issue({ ...identity, usages, hosts: names }, now);
    writePair(dir, name, made);
    return made;
  };
  const clients = Object.fromEntries(
    Object.entries(identities).map(([name, identity]) => [
      name,
      leaf(`${name}-client`, ca, identity(hosts.nodeName), ["client"]),
    ]),
  ) as ClusterCertificates["clients"];
  const saPath = join(dir, "sa.key");
  if (!existsSync(saPath)) {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeSecret(saPath, pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  }
  return {
    ca: ca.cert,
    caKey: ca.key,
    frontProxyCa: frontProxy.cert,
    apiserver: leaf("apiserver", ca, { commonName: "kube-apiserver" }, ["server"], hosts.apiserver),
    kubelet: leaf(
      "kubelet",
      ca,
      { commonName: `system:node:${hosts.nodeName}`, organizations: ["system:nodes"] },
      ["server"],
      hosts.kubelet,
    ),
    clients,
    frontProxyClient: leaf("front-proxy-client", frontProxy, { commonName: "front-proxy-client" }, [
      "client",
    ]),
    serviceAccountKey: readFileSync(saPath, "utf8"),
  };
}
