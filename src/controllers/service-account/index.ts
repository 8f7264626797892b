import { keyOf, settled } from "../../client/index.ts";
import { isReason } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { namespaceGoes } from "../failures.ts";

/** Maintains the ServiceAccount `default` in every namespace. */
export async function runServiceAccounts(context: ControllerContext): Promise<void> {
  const { client, informers } = context;
  const namespaces = informers.of(client.namespaces);
  const accounts = informers.of(client.serviceAccounts, { fieldSelector: "metadata.name=default" });
  const queue = newQueue(context);
  namespaces.onChange((type, namespace) => {
    if (type !== "delete") queue.add(keyOf(namespace));
  });
  accounts.onChange((type, account) => {
    if (type === "delete") queue.add(account.metadata?.namespace ?? "");
  });

  await runLoop(context, {
    name: "serviceaccount",
    queue,
    workers: 2,
    needs: [namespaces, accounts],
    async reconcile(name) {
      const namespace = namespaces.get(name);
      if (!namespace || namespace.metadata?.deletionTimestamp) return settled;
      if (accounts.get(`${name}/default`)) return settled;
      try {
        await client.serviceAccounts.create(name, {
          apiVersion: "v1",
          kind: "ServiceAccount",
          metadata: { name: "default", namespace: name },
        });
      } catch (error) {
        const done = isReason(error, "AlreadyExists") || isReason(error, "NotFound") || namespaceGoes(error);
        if (!done) throw error;
      }
      return settled;
    },
  });
}
