export * from "./auth-contract.ts";
export * from "./contract.ts";
