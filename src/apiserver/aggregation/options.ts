/** Client certificate of this server for extension servers; PEM. */
export interface FrontProxyCertificate {
  cert: string;
  key: string;
}

/** The trust that extension servers read in the ConfigMap `extension-apiserver-authentication`. */
export interface TrustOptions {
  /** PEM of the authority of client certificates. */
  clientCa: string;
  /** PEM of the authority of front proxies. */
  frontProxyCa: string;
  /** Allowed common names of front proxies' certificates. */
  frontProxyNames: readonly string[];
}

export interface AggregatorOptions {
  /** Optional for extension servers that do not require a client certificate. */
  frontProxy?: FrontProxyCertificate;
  trust?: TrustOptions;
}
