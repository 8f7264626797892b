/** How this server shows itself to extension servers; PEM. */
export interface FrontProxyCertificate {
  cert: string;
  key: string;
}

/** What extension servers are told to trust, in the ConfigMap `extension-apiserver-authentication`. */
export interface TrustOptions {
  /** PEM of the authority of client certificates. */
  clientCa: string;
  /** PEM of the authority of front proxies. */
  frontProxyCa: string;
  /** Common names of front proxies' certificates. */
  frontProxyNames: readonly string[];
}

export interface AggregatorOptions {
  /** Extension servers that ask for no certificate do without. */
  frontProxy?: FrontProxyCertificate;
  trust?: TrustOptions;
}
