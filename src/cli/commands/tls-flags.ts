/** TLS and address flags, named as in kube-apiserver. */
import { resolve } from "node:path";
import { type ApiServerSettings, checkCipherSuites } from "../../cluster/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";
import { fileOf, given } from "./flag-values.ts";

export const tlsFlags: readonly FlagSpec[] = [
  {
    long: "tls-cert-file",
    type: "string",
    help: "serving certificate (PEM, followed by its authorities) instead of the cluster's own; reloaded when it changes",
  },
  { long: "tls-private-key-file", type: "string", help: "its private key (PEM); reloaded when it changes" },
  {
    long: "tls-sni-cert-key",
    type: "list",
    help: "certificate and key for certain server names: FILE,FILE or FILE,FILE:NAME,NAME; without names, those in the certificate; may be repeated",
  },
  {
    long: "tls-cipher-suites",
    type: "list",
    help: "cipher suites of TLS 1.2, by Go's names, e.g. TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256; those of TLS 1.3 are always enabled",
  },
  {
    long: "tls-min-version",
    type: "string",
    help: "minimum version of TLS: VersionTLS12 or VersionTLS13; default VersionTLS12",
  },
  {
    long: "external-hostname",
    type: "string",
    help: "the server's address for external clients, in discovery; with a port, or the one it listens on",
  },
];

/** Throws a UsageError in kube-apiserver's words. */
export function tlsSettings(flags: Flags): ApiServerSettings {
  const minTls = tlsVersion(flags.text("tls-min-version"));
  const suites = flags.list("tls-cipher-suites").flatMap((each) => each.split(","));
  const sni = flags.list("tls-sni-cert-key").map(sniPair);
  return given({
    servingCert: servingCert(fileOf(flags, "tls-cert-file"), fileOf(flags, "tls-private-key-file")),
    sniCerts: sni.length > 0 ? sni : undefined,
    cipherSuites: suites.length > 0 ? checked(suites, minTls) : undefined,
    minTls,
    externalHostname: flags.text("external-hostname") || undefined,
  });
}

function servingCert(cert: string | undefined, key: string | undefined): ApiServerSettings["servingCert"] {
  if (!cert && !key) return undefined;
  if (!cert || !key) throw new UsageError("missing filename for serving cert");
  return { cert, key };
}

function sniPair(text: string): NonNullable<ApiServerSettings["sniCerts"]>[number] {
  const refused = (why: string): UsageError =>
    new UsageError(`invalid argument "${text}" for "--tls-sni-cert-key" flag: ${why}`);
  const [, files = "", list] = /^([^:]*)(?::([^]*))?$/.exec(text) ?? [];
  if (list?.trim() === "") throw refused("empty names list is not allowed");
  const paths = files.split(",").map((each) => each.trim());
  if (paths.length !== 2) throw refused("expected comma separated certificate and key file paths");
  const [cert = "", key = ""] = paths;
  if (!cert || !key)
    throw new UsageError("failed to load SNI cert and key: missing filename for serving cert");
  const names = list?.split(",").map((each) => each.trim()) ?? [];
  return { cert: resolve(cert), key: resolve(key), names };
}

function checked(suites: readonly string[], minTls: ApiServerSettings["minTls"]): readonly string[] {
  try {
    checkCipherSuites(suites, minTls ?? "TLSv1.2");
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return suites;
}

/** Versions before 1.2 are not supported: 1.2 is used instead. */
function tlsVersion(name: string | undefined): ApiServerSettings["minTls"] {
  if (name === undefined || name === "") return undefined;
  if (name === "VersionTLS13") return "TLSv1.3";
  if (/^VersionTLS1[012]$/.test(name)) return "TLSv1.2";
  throw new UsageError(`unknown tls version ${JSON.stringify(name)}`);
}
