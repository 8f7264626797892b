export * from "./auth/index.ts";
export * from "./auth-contract.ts";
export * from "./contract.ts";
export * from "./proxy/index.ts";
export { createApiServer } from "./server.ts";
