export type { CommandOptions, KubeletBackend, LogOptions } from "./contract.ts";
export { createKubeletServer, type KubeletServer, type KubeletServerOptions } from "./server.ts";
