import { postByKubeconfig } from "../../network/post-json.ts";
import type { AskWebhook } from "./webhook-authorizer.ts";

/** Calls the webhook of a kubeconfig. */
export function askByKubeconfig(file: string): AskWebhook {
  const post = postByKubeconfig(file);
  return async (review, timeoutMs) => JSON.parse((await post(review, timeoutMs)).toString()) as unknown;
}
