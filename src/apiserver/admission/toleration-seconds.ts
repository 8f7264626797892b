import type { Toleration } from "../../api/index.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { podOf } from "./pod-of.ts";

const usualSeconds = 300;

/**
 * DefaultTolerationSeconds: pods tolerate nodes that are not ready or unreachable for five minutes, unless they or the server's
 * flags set another time.
 */
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
      // Copied, since the spec may be shared with the stored pod.
      if (added.length > 0) pod.spec = { ...spec, tolerations: [...tolerations, ...added] };
    },
  };
}
