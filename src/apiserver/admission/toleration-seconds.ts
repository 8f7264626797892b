import type { Toleration } from "../../api/index.ts";
import type { AdmissionPlugin } from "./chain.ts";
import { podOf } from "./pod-of.ts";

const unreachableSeconds = 300;

/** Pods stay five minutes on a node that is not ready or not reachable, unless they say otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
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
    const added: Toleration[] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
      .filter((key) => !tolerates(key))
      .map((key) => ({
        key,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: unreachableSeconds,
      }));
    if (added.length > 0) pod.spec = { ...spec, tolerations: [...tolerations, ...added] };
  },
};
