import type { Pod } from "../../api/index.ts";
import { podResources } from "../containers/resources.ts";
import { stopContainer } from "../lifecycle/container-stop.ts";
import type { Resize } from "../plan/resize.ts";
import type { KubeletServices } from "../services.ts";
import { runtimeLabels, type PodRuntime, readySandbox } from "./pod-runtime.ts";
import { specGraceSeconds } from "./pod-key.ts";

/**
 * Sets new limits of running containers. A container cannot exceed its pod, so the pod's limits are raised first and lowered
 * last.
 */
export async function applyResize(
  services: KubeletServices,
  pod: Pod,
  runtime: PodRuntime,
  resize: Resize,
): Promise<void> {
  const sandbox = readySandbox(runtime);
  if (!sandbox) return;
  const cri = services.runtime;
  await cri.updatePodSandboxResources(sandbox.id, { cpuQuota: -1, memoryLimitInBytes: -1 });
  await Promise.all([
    ...resize.update.map(({ run, resources }) => cri.updateContainerResources(run.id, resources)),
    ...resize.restart.map((run) =>
      stopContainer(services, pod, runtime, run, {
        graceSeconds: specGraceSeconds(pod),
        message: `Container ${run.labels[runtimeLabels.containerName]} resize requires restart`,
      }),
    ),
  ]);
  await cri.updatePodSandboxResources(sandbox.id, {
    cpuQuota: -1,
    memoryLimitInBytes: -1,
    ...podResources(pod),
  });
  services.podEvent(pod, "Normal", "ResizeCompleted", `Pod resize completed: ${summary(pod)}`);
}

function summary(pod: Pod): string {
  const containers = (pod.spec?.containers ?? []).map(({ name, resources }) => ({ name, resources }));
  return JSON.stringify({ containers, generation: pod.metadata?.generation });
}
