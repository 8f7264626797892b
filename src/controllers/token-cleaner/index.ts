import type { Secret } from "../../api/index.ts";
import { keyOf, type Outcome, settled, splitKey } from "../../client/index.ts";
import { isReason } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing } from "../failures.ts";

const accountName = "kubernetes.io/service-account.name";
const accountUid = "kubernetes.io/service-account.uid";

/** Deletes expired bootstrap tokens, and token Secrets of deleted ServiceAccounts. */
export async function runTokenCleaner(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const bootstrap = informers.of(client.secrets, {
    namespace: "kube-system",
    fieldSelector: "type=bootstrap.kubernetes.io/token",
  });
  const tokens = informers.of(client.secrets, { fieldSelector: "type=kubernetes.io/service-account-token" });
  const queue = newQueue(context);
  bootstrap.onChange((type, secret) => {
    if (type !== "delete") queue.add(keyOf(secret));
  });
  tokens.onChange((type, secret) => {
    if (type !== "delete") queue.add(keyOf(secret));
  });
  const accounts = informers.of(client.serviceAccounts, {
    transform: ({ apiVersion, kind, metadata }) => ({
      ...(apiVersion ? { apiVersion } : {}),
      ...(kind ? { kind } : {}),
      ...(metadata ? { metadata } : {}),
    }),
  });
  accounts.onChange((type, account) => {
    if (type !== "delete") return;
    for (const secret of tokens.list()) {
      if (secret.metadata?.namespace === account.metadata?.namespace) queue.add(keyOf(secret));
    }
  });

  await runLoop(context, {
    name: "token-cleaner",
    queue,
    workers: 1,
    needs: [bootstrap, tokens, accounts],
    async reconcile(key) {
      const expiring = bootstrap.get(key);
      if (expiring) return await expire(expiring);
      const token = tokens.get(key);
      if (token && !token.metadata?.deletionTimestamp && !(await hasAccount(token))) await remove(token);
      return settled;
    },
  });

  async function expire(secret: Secret): Promise<Outcome> {
    const text = Buffer.from(secret.data?.["expiration"] ?? "", "base64").toString("utf8");
    const at = Date.parse(text);
    if (text === "") return settled;
    const left = at - clock.now();
    // An invalid time counts as expired.
    if (Number.isNaN(at) || left <= 0) {
      await remove(secret);
      return settled;
    }
    return { kind: "again", afterMs: Math.min(left, 86_400_000), why: "the token's expiration" };
  }

  async function hasAccount(secret: Secret): Promise<boolean> {
    const { namespace, annotations } = secret.metadata ?? {};
    const name = annotations?.[accountName] ?? "";
    if (!name) return true;
    const uid = annotations?.[accountUid];
    const right = (found: string | undefined): boolean => uid === undefined || uid === found;
    const cached = accounts.get(`${namespace}/${name}`);
    if (cached && right(cached.metadata?.uid)) return true;
    try {
      // The cache may be behind a new ServiceAccount.
      return right((await client.serviceAccounts.get(namespace, name)).metadata?.uid);
    } catch (error) {
      if (isReason(error, "NotFound")) return false;
      throw error;
    }
  }

  async function remove(secret: Secret): Promise<void> {
    const { namespace, name } = splitKey(keyOf(secret));
    await ignoreMissing(
      client.secrets.delete(namespace, name, {
        preconditions: { uid: secret.metadata?.uid, resourceVersion: secret.metadata?.resourceVersion },
      }),
    );
  }
}
