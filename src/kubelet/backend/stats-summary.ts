import { formatTime } from "../../machinery/index.ts";
import type { Pod } from "../../api/index.ts";
import { podName, podNamespace, podUid } from "../pods/pod-key.ts";
import { runtimeLabels, timeFromNanos } from "../pods/pod-runtime.ts";
import type { KubeletServices } from "../services.ts";

/** `/stats/summary`: resource usage of containers, with sums per pod. */
export async function statsSummary(services: KubeletServices, pods: readonly Pod[]): Promise<unknown> {
  const all = await services.runtime.listContainerStats();
  const time = formatTime(services.clock.now());
  return {
    node: { nodeName: services.node.name, startTime: time },
    pods: pods.map((pod) => {
      const containers = all
        .filter((s) => s.labels[runtimeLabels.podUid] === podUid(pod))
        .map((s) => ({
          name: s.labels[runtimeLabels.containerName],
          startTime: time,
          cpu: { time: timeFromNanos(s.timestamp), usageCoreNanoSeconds: s.cpu.usageCoreNanoSeconds },
          memory: {
            time: timeFromNanos(s.timestamp),
            usageBytes: s.memory.usageBytes,
            workingSetBytes: s.memory.workingSetBytes,
            rssBytes: s.memory.rssBytes,
          },
          rootfs: { time, usedBytes: s.writableLayer.usedBytes, inodesUsed: s.writableLayer.inodesUsed },
        }));
      const sum = (read: (c: (typeof containers)[number]) => number): number =>
        containers.reduce((total, c) => total + read(c), 0);
      return {
        podRef: { name: podName(pod), namespace: podNamespace(pod), uid: podUid(pod) },
        startTime: pod.status?.startTime ?? time,
        containers,
        cpu: { time, usageCoreNanoSeconds: sum((c) => c.cpu.usageCoreNanoSeconds) },
        memory: {
          time,
          usageBytes: sum((c) => c.memory.usageBytes),
          workingSetBytes: sum((c) => c.memory.workingSetBytes),
          rssBytes: sum((c) => c.memory.rssBytes),
        },
      };
    }),
  };
}
