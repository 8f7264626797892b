export * from "./auth-contract.ts";
export * from "./contract.ts";
export { createApiServer } from "./server.ts";
export * from "./auth/index.ts";
export * from "./proxy/index.ts";
