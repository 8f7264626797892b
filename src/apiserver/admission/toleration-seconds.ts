import type { Toleration } from "../../api/index.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { podOf } from "./pod-of.ts";

const usualSeconds = 300;

/** Pods stay five minutes on a node that is not ready or not reachable, unless they or the server's flags say otherwise. */
export function defaultTolerationSeconds({
  tolerationSeconds: { notReady = usualSeconds, unreachable = usualSeconds } = {},
}: Pick<PluginContext, "tolerationSeconds">): AdmissionPlugin {
  const seconds = {
    "node.kubernetes.io/not-ready": notReady,
    "node.kubernetes.io/unreachable": unreachable,
  };
  return {
    name: "DefaultTolerationSeconds",
    admit(request) {
      const pod = podOf(request);
      const { spec } = pod ?? {};
      if (!pod || !spec) return;
      const tolerations = spec.tolerations ?? [];
      const tolerates = (key: string): boolean =>
        tolerations.some(
          (each) => (!each.key || each.key === key) && (!each.effect || each.effect === "NoExecute"),
        );
      const added: Toleration[] = Object.entries(seconds)
        .filter(([key]) => !tolerates(key))
        .map(([key, tolerationSeconds]) => ({
          key,
          operator: "Exists",
          effect: "NoExecute",
          tolerationSeconds,
        }));
      // The spec may be the stored pod's own.
      if (added.length > 0) pod.spec = { ...spec, tolerations: [...tolerations, ...added] };
    },
  };
}
