import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Native, openNative } from "../../linux/index.ts";
import type { Logger } from "../../machinery/index.ts";
import { type BridgeNetwork, createBridgeCni } from "../../network/index.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";
import { nativeProgram } from "../images.ts";

/** The native helper, and the pod network. */
export interface MachineNetwork {
  native: Native;
  cni: BridgeNetwork;
}

/** Opens the native helper and sets up bridge and rules. Resolves when the node's address exists. */
export async function openMachineNetwork(config: ClusterConfig, log: Logger): Promise<MachineNetwork> {
  mkdirSync(config.runDir, { recursive: true, mode: 0o700 });
  const native = await openNative(nativeProgram("wherry-native"), {
    runDir: config.runDir,
    onExit: (reason) => log.error("the native helper ended", { reason }),
  });
  const cni = createBridgeCni(
    {
      bridge: config.bridge,
      table: config.podTable,
      nodeCidr: config.nodeCidr,
      podCidr: config.podCidr,
      serviceCidr: config.serviceCidr,
      stateDir: join(config.dataDir, "cni"),
    },
    native,
    log.with({ part: "cni" }),
  );
  await cni.setUp();
  return { native, cni };
}
