import { askByKubeconfig } from "../../network/post-json.ts";
import { readAnswer } from "../../webhooks/answers.ts";
import { askFailure } from "../../webhooks/ask-failure.ts";
import type { WebhookAuthorizerOptions } from "./webhook-authorizer.ts";

/** Calls the webhook of a kubeconfig. */
export function connectByKubeconfig(file: string): Pick<WebhookAuthorizerOptions, "ask" | "explain"> {
  const asking = askByKubeconfig(file);
  return {
    ask: async (review, timeoutMs) => readAnswer(await asking.ask(review, timeoutMs)),
    explain: (error, timeoutMs) => askFailure(error, asking.url(timeoutMs)).message,
  };
}
