/** Authentication options of an API server: the cluster's keys and authorities, and its settings. */
import { readFileSync } from "node:fs";
import {
  askByKubeconfig,
  type createAuth,
  hasCertificates,
  readTokenFile,
  type TokenWebhook,
} from "../../apiserver/index.ts";
import type { Clock } from "../../machinery/index.ts";
import { ClusterError } from "../cluster-error.ts";
import type { ApiServerSettings } from "../config/api-server-settings.ts";
import type { ClusterCertificates } from "../pki/cluster-certificates.ts";
import { tokenWebhookDefaults } from "../config/authorization-defaults.ts";
import { tokenKeys } from "./token-keys.ts";

/** Throws a ClusterError for an invalid file, in kube-apiserver's words. */
export function authOptions(
  certificates: ClusterCertificates,
  settings: ApiServerSettings,
  clock: Clock,
  /** host:port of the server, and of its token keys, for external clients. */
  externalAddress?: string,
): Parameters<typeof createAuth>[0] & { clientCa: string; proxyCa: string } {
  const {
    tokenFile,
    frontProxy,
    bootstrapTokens,
    tokenWebhook,
    clientCaFile,
    issuers = [],
    audiences,
    jwksUri,
    maxTokenMs,
    extendTokens,
    anonymous,
    authorization,
  } = settings;
  // As in kube-apiserver: with AlwaysAllow, anonymous access is off.
  const allowsAll = authorization?.modes.includes("AlwaysAllow") ?? false;
  const [issuer, ...others] = issuers;
  const keysAt = jwksUri ?? (externalAddress && `https://${externalAddress}/openid/v1/jwks`);
  const proxyCa = frontProxy && bundle("requestheader-client-ca-file", "request-header", frontProxy.caFile);
  const keys = tokenKeys(settings, certificates.serviceAccountKey);
  return {
    clock,
    serviceAccountKeys: keys.signing,
    verifyingKeys: keys.verifying,
    clientCa: clientCaFile
      ? `${certificates.ca}\n${bundle("client-ca-file", "client-ca-bundle", clientCaFile)}`
      : certificates.ca,
    rootCa: certificates.ca,
    frontProxies: [
      { ca: certificates.frontProxyCa, allowedNames: ["front-proxy-client"] },
      ...(frontProxy && proxyCa !== undefined ? [{ ...frontProxy, ca: proxyCa }] : []),
    ],
    proxyCa: proxyCa === undefined ? certificates.frontProxyCa : `${certificates.frontProxyCa}\n${proxyCa}`,
    tokenLife: {
      maxSeconds: maxTokenMs === undefined ? undefined : Math.floor(maxTokenMs / 1000),
      extend: extendTokens,
    },
    ...(issuer === undefined ? {} : { issuers: [issuer, ...others] }),
    ...(audiences ? { audiences } : {}),
    anonymousByDefault: !allowsAll,
    ...(anonymous === undefined ? {} : { anonymous: anonymous && !allowsAll }),
    ...(keysAt === undefined ? {} : { jwksUri: keysAt }),
    ...(bootstrapTokens === undefined ? {} : { bootstrapTokens }),
    ...(tokenWebhook ? { tokenWebhook: webhookOf(tokenWebhook) } : {}),
    ...(tokenFile ? { tokens: readTokenFile(read("token-auth-file", tokenFile), tokenFile) } : {}),
  };
}

function webhookOf({
  kubeconfig,
  version,
  ttlMs = tokenWebhookDefaults.ttlMs,
}: NonNullable<ApiServerSettings["tokenWebhook"]>): TokenWebhook {
  try {
    return { version, ttlMs, ...askByKubeconfig(kubeconfig) };
  } catch (cause) {
    const flag = "authentication-token-webhook-config-file";
    throw new ClusterError(`--${flag}: ${(cause as Error).message}`, { cause });
  }
}

/** `name`: kube-apiserver's name of the file's content. */
function bundle(flag: string, name: string, path: string): string {
  const text = read(flag, path);
  const named = `"${name}::${path}"`;
  if (text.trim() === "") throw new ClusterError(`missing content for CA bundle ${named}`);
  if (hasCertificates(text)) return text;
  throw new ClusterError(
    `error loading CA bundle for ${named}: data does not contain any valid RSA or ECDSA certificates`,
  );
}

function read(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ClusterError(`--${flag}: ${(cause as Error).message}`, { cause });
  }
}
