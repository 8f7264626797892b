export { type BridgeCniConfig, type BridgeNetwork, createBridgeCni } from "./cni/bridge-network.ts";
export { type NetworkConfig, startNetwork } from "./network.ts";
