import { existsSync, readFileSync } from "node:fs";
import type { ServerConnection } from "../transport/credentials.ts";
import { httpsTransport } from "../transport/https.ts";
import type { ApiTransport } from "../transport.ts";
import { kubeconfigFiles, loadKubeconfig } from "./load.ts";

/** Command line flags that override the kubeconfig. */
export interface KubeconfigChoice {
  kubeconfig?: string | undefined;
  context?: string | undefined;
  cluster?: string | undefined;
  user?: string | undefined;
  server?: string | undefined;
  token?: string | undefined;
  impersonate?: string | undefined;
  impersonateGroups?: readonly string[] | undefined;
}

export interface KubeconfigConnection {
  connection: ServerConnection;
  /** The context's default namespace. */
  namespace: string | undefined;
}

const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount";

/** No server is configured. */
export class NoClusterError extends Error {
  constructor(files: string) {
    super(`no cluster is configured: ${files} has no current context (is a cluster up? try: wherry up)`);
  }
}

/** Determines server and credentials; throws an Error that says what is missing. */
export function resolveKubeconfig(
  choice: KubeconfigChoice,
  env: Readonly<Record<string, string | undefined>>,
): KubeconfigConnection {
  const config = loadKubeconfig(env, choice.kubeconfig);
  const contextName = choice.context ?? config["current-context"];
  const found = config.contexts?.find((each) => each.name === contextName);
  if (choice.context && !found) throw new Error(`context "${choice.context}" does not exist`);
  const clusterName = choice.cluster ?? found?.context.cluster;
  const userName = choice.user ?? found?.context.user;
  const cluster = config.clusters?.find((each) => each.name === clusterName)?.cluster;
  const user = config.users?.find((each) => each.name === userName)?.user;
  if (choice.cluster && !cluster) throw new Error(`cluster "${choice.cluster}" does not exist`);
  if (choice.user && !user) throw new Error(`auth info "${choice.user}" does not exist`);

  const server = choice.server ?? cluster?.server;
  if (!server) {
    const inside = insideCluster(env);
    if (inside) return inside;
    const files = kubeconfigFiles(env, choice.kubeconfig).join(", ");
    if (contextName) throw new Error(`the context "${contextName}" of ${files} names no server`);
    throw new NoClusterError(files);
  }
  if (user?.exec !== undefined) {
    throw new Error(`user "${userName}" signs in with an exec plugin, which wherry does not run`);
  }
  return {
    namespace: found?.context.namespace,
    connection: {
      server: /^https?:\/\//.test(server) ? server : `https://${server}`,
      ca: material(cluster?.["certificate-authority-data"], cluster?.["certificate-authority"]),
      insecureSkipTlsVerify: cluster?.["insecure-skip-tls-verify"],
      tlsServerName: cluster?.["tls-server-name"],
      cert: material(user?.["client-certificate-data"], user?.["client-certificate"]),
      key: material(user?.["client-key-data"], user?.["client-key"]),
      token: choice.token ?? user?.token,
      tokenFile: user?.tokenFile,
      username: user?.username,
      password: user?.password,
      impersonate: choice.impersonate ?? user?.as,
      impersonateGroups: choice.impersonateGroups?.length ? choice.impersonateGroups : user?.["as-groups"],
    },
  };
}

/** A transport to the cluster that kubectl would use with the same flags and environment. */
export async function kubeconfigTransport(
  choice: KubeconfigChoice,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ transport: ApiTransport; namespace: string | undefined; connection: ServerConnection }> {
  const { connection, namespace } = resolveKubeconfig(choice, env);
  return { transport: httpsTransport(connection), namespace, connection };
}

/** The data field has priority over the file, as in Kubernetes. */
function material(data: string | undefined, file: string | undefined): string | undefined {
  if (data) return Buffer.from(data, "base64").toString("utf8");
  if (!file) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Error(`cannot read ${file}, which the kubeconfig names: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** In a pod, its ServiceAccount is used. */
function insideCluster(env: Readonly<Record<string, string | undefined>>): KubeconfigConnection | undefined {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  const tokenFile = `${serviceAccountDir}/token`;
  if (!host || !port || !existsSync(tokenFile)) return undefined;
  return {
    namespace: readFileSync(`${serviceAccountDir}/namespace`, "utf8").trim(),
    connection: {
      server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
      ca: readFileSync(`${serviceAccountDir}/ca.crt`, "utf8"),
      tokenFile,
    },
  };
}
