export * from "./auth-contract.ts";
export * from "./contract.ts";
export { createApiServer } from "./server.ts";
