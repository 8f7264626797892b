export * from "./cni.ts";
export * from "./contract.ts";
