/** Connection to a cluster as one user. Certificates and key are PEM. */
export interface KubeconfigEntry {
  /** Name of cluster, user and context alike. */
  name: string;
  server: string;
  ca: string;
  /** Server name to request and verify, if not the host of `server`. */
  serverName?: string | undefined;
  clientCert: string;
  clientKey: string;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** The three stanzas of a kubeconfig that belong to this entry. */
export function stanzas(entry: KubeconfigEntry): {
  clusters: NamedStanza;
  users: NamedStanza;
  contexts: NamedStanza;
} {
  const { name } = entry;
  return {
    clusters: {
      name,
      cluster: {
        server: entry.server,
        ...(entry.serverName === undefined ? {} : { "tls-server-name": entry.serverName }),
        "certificate-authority-data": base64(entry.ca),
      },
    },
    users: {
      name,
      user: {
        "client-certificate-data": base64(entry.clientCert),
        "client-key-data": base64(entry.clientKey),
      },
    },
    contexts: { name, context: { cluster: name, user: name } },
  };
}

export type NamedStanza = { name: string } & Record<string, unknown>;

/** A whole kubeconfig for one cluster. JSON is YAML: no library is needed to write it. */
export function renderKubeconfig(entry: KubeconfigEntry): string {
  const parts = stanzas(entry);
  const quote = (text: unknown): string => JSON.stringify(text);
  const { cluster } = parts.clusters as unknown as { cluster: Record<string, string> };
  const { user } = parts.users as unknown as { user: Record<string, string> };
  const lines = (values: Record<string, string>): string =>
    Object.entries(values)
      .map(([key, value]) => `    ${key}: ${value.includes(":") ? quote(value) : value}\n`)
      .join("");
  return `apiVersion: v1
kind: Config
clusters:
- name: ${entry.name}
  cluster:
${lines(cluster)}users:
- name: ${entry.name}
  user:
${lines(user)}contexts:
- name: ${entry.name}
  context:
    cluster: ${entry.name}
    user: ${entry.name}
current-context: ${entry.name}
preferences: {}
`;
}
