import { rm } from "node:fs/promises";
import type { ContainerStatus, RuntimeService } from "../../cri/index.ts";
import { type PodRuntime, runtimeLabels } from "./pod-runtime.ts";

/** Dead containers except the newest two of each: that of the status and that of `lastState`. */
export function surplusContainers(runtime: PodRuntime): ContainerStatus[] {
  const kept = new Map<string, number>();
  const surplus: ContainerStatus[] = [];
  for (const run of runtime.containers) {
    const name = run.labels[runtimeLabels.containerName] ?? "";
    const count = (kept.get(name) ?? 0) + 1;
    kept.set(name, count);
    if (count > 2 && run.state === "Exited") surplus.push(run);
  }
  return surplus;
}

/** Stopped sandboxes without containers, except the newest. */
export function surplusSandboxes(runtime: PodRuntime): string[] {
  const used = new Set(runtime.containers.map((c) => c.sandboxId));
  return runtime.sandboxes
    .slice(1)
    .filter((s) => s.state === "NotReady" && !used.has(s.id))
    .map((s) => s.id);
}

export async function removeContainers(cri: RuntimeService, runs: readonly ContainerStatus[]): Promise<void> {
  await Promise.all(
    runs.map(async (run) => {
      await cri.removeContainer(run.id);
      if (run.logPath) await rm(run.logPath, { force: true });
    }),
  );
}
