import type { Pod } from "../../../api/index.ts";
import { StatusError } from "../../../machinery/index.ts";
import type { WriteAttempt, WriteGuard } from "../../contract.ts";
import { nodeOf } from "./node-authorizer.ts";

function refuse(attempt: WriteAttempt, why: string): never {
  const { info } = attempt;
  const name = attempt.object?.metadata?.name ?? info.name;
  throw new StatusError("Forbidden", `${info.resource} "${name}" is forbidden: ${why}`, {
    details: { name, kind: info.resource },
  });
}

/** Keeps a kubelet from writing other nodes' Node and Pod objects (Kubernetes' NodeRestriction admission plugin). */
export const nodeRestriction: ReadonlyMap<string, WriteGuard> = new Map<string, WriteGuard>([
  [
    "nodes",
    {
      check(attempt) {
        const node = nodeOf(attempt.user);
        if (node === undefined) return;
        const name = attempt.object?.metadata?.name ?? attempt.info.name;
        if (name !== node) refuse(attempt, `node "${node}" is not allowed to modify node "${name}"`);
      },
    },
  ],
  [
    "pods",
    {
      check(attempt) {
        const node = nodeOf(attempt.user);
        if (node === undefined) return;
        const pod = (attempt.old ?? attempt.object) as Pod | undefined;
        if (attempt.operation === "create" && attempt.info.subresource === "") {
          if (!pod?.metadata?.annotations?.["kubernetes.io/config.mirror"])
            refuse(
              attempt,
              `pod does not have "kubernetes.io/config.mirror" annotation, node "${node}" can only create mirror pods`,
            );
        }
        if (pod && pod.spec?.nodeName !== node)
          refuse(
            attempt,
            attempt.operation === "delete"
              ? `node "${node}" can only delete pods with spec.nodeName set to itself`
              : `node "${node}" can only update pod status for pods with spec.nodeName set to itself`,
          );
      },
    },
  ],
]);
