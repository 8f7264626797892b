export { certificateAuthority, certificateRequest, type RequestedNames } from "./certificates.ts";
export { freePort } from "./free-port.ts";
export { type ApiDouble, createApiDouble } from "./api-double/double.ts";
export * from "./fake-clock.ts";
export { openTestApi, type TestApi } from "./real-api.ts";
export { type SeenCall, watchTransport, type WatchedTransport } from "./watched-transport.ts";
export { fuzz, type FuzzTarget } from "./fuzz/fuzz.ts";
export { until } from "./until.ts";
