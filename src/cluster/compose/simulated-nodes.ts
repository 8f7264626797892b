import { join } from "node:path";
import {
  createSimulatedImages,
  createSimulatedRuntime,
  noMounts,
  startKubelet,
} from "../../kubelet/index.ts";
import { systemClock } from "../../machinery/index.ts";
import { nodeNames } from "../config/cluster-config.ts";
import { identities } from "../pki/identities.ts";
import { freePort } from "./free-port.ts";
import type { NodeParts } from "./node-parts.ts";

/** Limited by the cluster's ports; other nodes serve neither logs nor exec. */
const withPort = 8;

/** Nodes with simulated containers, each with its own kubelet. */
export function startSimulatedNodes({
  config,
  certificates,
  controlPlane,
  supervisor,
  ready,
}: NodeParts): void {
  nodeNames(config).forEach((name, at) => {
    const api = controlPlane.transportFor(identities.kubelet(name));
    const part = config.simulatedNodes === 1 ? "kubelet" : `kubelet ${name}`;
    supervisor.start(part, api, async (context) => {
      const runtime = createSimulatedRuntime(systemClock, {
        podPrefix: `10.${64 + config.index * 4}.${at % 250}`,
        endsAlone: true,
      });
      const kubelet = await startKubelet(
        context,
        {
          nodeName: name,
          hostname: name,
          addresses: [
            { type: "InternalIP", address: "127.0.0.1" },
            { type: "Hostname", address: name },
          ],
          clusterDns: [config.dnsIp],
          clusterDomain: config.domain,
          rootDir: join(config.dataDir, "nodes", name),
          runDir: join(config.runDir, "nodes", name),
          logDir: join(config.dataDir, "log", "pods", name),
          host: "127.0.0.1",
          port: await freePort("127.0.0.1", config.kubeletPort + at),
          ...(at < withPort ? { server: { ...certificates.kubelet, clientCa: certificates.ca } } : {}),
          simulated: true,
        },
        { runtime, images: createSimulatedImages(), mounts: noMounts },
      );
      ready(name);
      await kubelet.ended;
    });
  });
}
