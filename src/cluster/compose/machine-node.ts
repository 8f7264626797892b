import { join } from "node:path";
import { createContainerRuntime } from "../../containers/index.ts";
import { nativeMounts, startKubelet } from "../../kubelet/index.ts";
import { systemClock } from "../../machinery/index.ts";
import { openImagesIn } from "../images.ts";
import { identities } from "../pki/identities.ts";
import { freePort } from "./free-port.ts";
import { openMachineNetwork } from "./machine-network.ts";
import { keepNetworkProcess } from "./network-process.ts";
import type { NodeParts } from "./node-parts.ts";

/** This machine as a node: pod network, container runtime, kubelet, and the process for Services and DNS. */
export function startMachineNode({ config, certificates, controlPlane, supervisor, ready }: NodeParts): void {
  const api = controlPlane.transportFor(identities.kubelet(config.nodeName));
  let listening = false;
  supervisor.start("kubelet", api, async (context) => {
    const { log } = context;
    const [network, images] = await Promise.all([
      openMachineNetwork(config, log),
      openImagesIn(config.dataDir),
    ]);
    const { native, cni } = network;
    try {
      // Pods reach the API server on the node's address, which is there only now.
      if (!listening) await controlPlane.listenOn(config.gateway);
      listening = true;
      const runtime = await createContainerRuntime({
        stateDir: join(config.dataDir, "containers"),
        runDir: join(config.runDir, "c"),
        cgroupRoot: config.cgroupRoot,
        native,
        images,
        cni,
        clock: systemClock,
        log: log.with({ part: "runtime" }),
      });
      try {
        const kubelet = await startKubelet(
          context,
          {
            nodeName: config.nodeName,
            addresses: [
              { type: "InternalIP", address: config.gateway },
              { type: "Hostname", address: config.nodeName },
            ],
            podCidr: config.nodeCidr,
            clusterDns: [config.dnsIp],
            clusterDomain: config.domain,
            rootDir: join(config.dataDir, "kubelet"),
            runDir: join(config.runDir, "kubelet"),
            logDir: join(config.dataDir, "log", "pods"),
            port: await freePort(config.gateway, config.kubeletPort),
            host: config.gateway,
            server: { ...certificates.kubelet, clientCa: certificates.ca },
          },
          { runtime, images: images.imageService(), mounts: nativeMounts(native) },
        );
        ready(config.nodeName);
        await kubelet.ended;
      } finally {
        await runtime.close();
      }
    } finally {
      await Promise.all([native.close(), images.close()]);
    }
  });
  supervisor.start("network-keeper", api, (context) => keepNetworkProcess(config, certificates, context));
}
