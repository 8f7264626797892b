import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ApiTransport, httpsTransport, type ServerConnection } from "../client/index.ts";
import { ClusterError } from "./cluster-error.ts";
import { type ClusterConfig, readConfig } from "./config/cluster-config.ts";
import { type ClusterChoice, placesOf } from "./config/places.ts";
import { ownServerName } from "./pki/server-names.ts";
import { type KubeconfigEntry, renderKubeconfig } from "./kubeconfig/entry.ts";

/** An existing cluster. Throws when there is none. */
function knownCluster(choice: ClusterChoice): ClusterConfig {
  const places = placesOf(choice);
  const config = readConfig(places);
  if (config) return config;
  throw new ClusterError(`there is no cluster "${places.name}" in ${places.dataDir}`, {
    hint: "Make it with: wherry up",
  });
}

/** The server name for the cluster's own clients: with --tls-cert-file the default certificate is another one. */
export const serverNameOf = ({ apiServer }: Pick<ClusterConfig, "apiServer">): string | undefined =>
  apiServer.servingCert ? ownServerName : undefined;

/** The administrator's kubeconfig entry. */
export function adminEntry(config: ClusterConfig): KubeconfigEntry {
  const read = (file: string): string => readFileSync(join(config.dataDir, "pki", file), "utf8");
  return {
    name: config.context,
    server: `https://127.0.0.1:${config.apiPort}`,
    ca: read("ca.crt"),
    serverName: serverNameOf(config),
    clientCert: read("admin-client.crt"),
    clientKey: read("admin-client.key"),
  };
}

/** The administrator's connection to the cluster. */
function adminConnection(config: ClusterConfig): ServerConnection {
  const entry = adminEntry(config);
  return {
    server: entry.server,
    ca: entry.ca,
    tlsServerName: entry.serverName,
    cert: entry.clientCert,
    key: entry.clientKey,
  };
}

export const adminTransport = (config: ClusterConfig): ApiTransport =>
  httpsTransport(adminConnection(config));

/** The text of a kubeconfig for this cluster alone. */
export const kubeconfigText = (choice: ClusterChoice): string =>
  renderKubeconfig(adminEntry(knownCluster(choice)));
