import { postByKubeconfig } from "../../network/post-json.ts";
import type { AskWebhook } from "./webhook-authorizer.ts";

/** Asks the webhook that a kubeconfig names. */
export function askByKubeconfig(file: string): AskWebhook {
  const post = postByKubeconfig(file);
  return async (review, timeoutMs) => JSON.parse((await post(review, timeoutMs)).toString()) as unknown;
}
