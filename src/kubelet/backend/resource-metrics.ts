import { runtimeLabels } from "../pods/pod-runtime.ts";
import type { KubeletServices } from "../services.ts";

/** `/metrics/resource`, as scraped by the metrics server. */
export async function resourceMetrics(services: KubeletServices): Promise<string> {
  const stats = await services.runtime.listContainerStats();
  const lines: string[] = [];
  const family = (
    name: string,
    help: string,
    type: string,
    value: (s: (typeof stats)[number]) => number,
  ): void => {
    lines.push(`# HELP ${name} [STABLE] ${help}`, `# TYPE ${name} ${type}`);
    for (const s of stats) {
      const container = s.labels[runtimeLabels.containerName] ?? "";
      const namespace = s.labels[runtimeLabels.podNamespace] ?? "";
      const pod = s.labels[runtimeLabels.podName] ?? "";
      const at = s.timestamp / 1_000_000n;
      lines.push(`${name}{container="${container}",namespace="${namespace}",pod="${pod}"} ${value(s)} ${at}`);
    }
  };
  family(
    "container_cpu_usage_seconds_total",
    "Cumulative cpu time consumed by the container in core-seconds",
    "counter",
    (s) => s.cpu.usageCoreNanoSeconds / 1e9,
  );
  family(
    "container_memory_working_set_bytes",
    "Current working set of the container in bytes",
    "gauge",
    (s) => s.memory.workingSetBytes,
  );
  return `${lines.join("\n")}\n`;
}
