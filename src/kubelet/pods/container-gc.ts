import { rm } from "node:fs/promises";
import type { ContainerStatus, RuntimeService } from "../../cri/index.ts";
import { type PodRuntime, runtimeLabels } from "./pod-runtime.ts";

/** Dead runs of each container beyond the newest two: the one the status shows and the one `lastState` shows. */
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

/** Sandboxes that are over and hold no container any more, the newest one excepted. */
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
