/** process_*, kubernetes_build_info, kubernetes_feature_enabled. */
import { readdirSync, readFileSync } from "node:fs";
import { versionInfo } from "../version.ts";
import { featureGates } from "./feature-gates.ts";
import type { MetricsRegistry } from "./registry.ts";

/** Size of a memory page in /proc. */
const pageBytes = 4096;

export function describeProcess(registry: MetricsRegistry): void {
  const gauge = (name: string, help: string) => registry.gauge({ name, help, stability: "" }).with();
  const cpu = registry.counter({
    name: "process_cpu_seconds_total",
    help: "Time of processors.",
    stability: "",
  });
  const resident = gauge("process_resident_memory_bytes", "Memory in use.");
  const virtual = gauge("process_virtual_memory_bytes", "Memory that is mapped.");
  const open = gauge("process_open_fds", "Open files.");
  const most = gauge("process_max_fds", "Files that can be open.");
  const mostVirtual = gauge("process_virtual_memory_max_bytes", "Memory that can be mapped.");
  const counter = (name: string, help: string) => registry.counter({ name, help, stability: "" }).with();
  const received = counter("process_network_receive_bytes_total", "Bytes that came by the network.");
  const sent = counter("process_network_transmit_bytes_total", "Bytes that were sent by the network.");
  gauge("process_start_time_seconds", "Start, since the epoch.").set(performance.timeOrigin / 1000);
  registry.beforeReading(() => {
    const { user, system } = process.cpuUsage();
    cpu.with().value = (user + system) / 1e6;
    resident.set(process.memoryUsage.rss());
    // Without /proc, these stay zero.
    try {
      virtual.set(Number(readFileSync("/proc/self/statm", "latin1").split(" ")[0]) * pageBytes);
      open.set(readdirSync("/proc/self/fd").length);
      const limits = readFileSync("/proc/self/limits", "latin1");
      most.set(Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? 0));
      // Unlimited is the maximum of 64 bits.
      mostVirtual.set(Number(/^Max address space +(\d+)/m.exec(limits)?.[1] ?? 2 ** 64));
      const [names = "", values = ""] = readFileSync("/proc/self/net/netstat", "latin1")
        .split("\n")
        .filter((line) => line.startsWith("IpExt:"));
      const at = (name: string): number => Number(values.split(" ")[names.split(" ").indexOf(name)] ?? 0);
      received.value = at("InOctets");
      sent.value = at("OutOctets");
    } catch {
      virtual.set(0);
    }
  });
}

export function describeBuild(registry: MetricsRegistry): void {
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } =
    versionInfo;
  const entries = Object.entries({
    major,
    minor,
    git_version: gitVersion,
    git_commit: gitCommit,
    git_tree_state: gitTreeState,
    build_date: buildDate,
    go_version: goVersion,
    compiler,
    platform,
  });
  registry
    .gauge({
      name: "kubernetes_build_info",
      help: "What this is, in labels.",
      stability: "BETA",
      labels: entries.map(([name]) => name),
    })
    .with(...entries.map(([, value]) => value))
    .set(1);
  registry
    .gauge({
      name: "version_info",
      help: "Which versions it is compatible with, in labels.",
      stability: "ALPHA",
      labels: ["component", "binary", "emulation", "min_compat"],
    })
    .with(
      "kube",
      gitVersion.replace(/^v|\+.*$/g, ""),
      `${versionInfo.emulationMajor}.${versionInfo.emulationMinor}`,
      `${versionInfo.minCompatibilityMajor}.${versionInfo.minCompatibilityMinor}`,
    )
    .set(1);
  const registered = registry.counter({
    name: "registered_metrics_total",
    help: "Metrics there are, by how far Kubernetes stands by them.",
    stability: "BETA",
    labels: ["stability_level", "deprecated_version"],
  });
  registry.beforeReading(() => {
    for (const [stability, count] of registry.byStability()) registered.with(stability, "").value = count;
  });
  const features = registry.gauge({
    name: "kubernetes_feature_enabled",
    help: "Which features are on.",
    stability: "BETA",
    labels: ["name", "stage"],
  });
  for (const { name, stage, enabled } of featureGates) features.with(name, stage).set(enabled ? 1 : 0);
}
