export * from "./auth-contract.ts";
export * from "./contract.ts";
export * from "./auth/index.ts";
