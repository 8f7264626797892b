export type { KubeletCredentials } from "./kubelet-client.ts";
export { createProxy, type Proxy, type ProxyOptions } from "./proxy.ts";
