export {
  type BridgeCniConfig,
  type BridgeNetwork,
  createBridgeCni,
  removeBridgeNetwork,
} from "./cni/bridge-network.ts";
export { gatewayOf } from "./cni/cidr.ts";
export { type NetworkConfig, removeServiceRules, startNetwork } from "./network.ts";
export { renderServiceRules, type RulesConfig } from "./proxy/service-rules.ts";
