/** Why a webhook that a kubeconfig names did not answer, in client-go's words. */
import { goErrorText } from "../network/go-errors.ts";
import { PostStatusError } from "../network/retries.ts";
import { readAnswer, WebhookCallError } from "./answers.ts";

/** `url`: where it was asked. */
export function askFailure(cause: unknown, url: string): WebhookCallError {
  if (cause instanceof WebhookCallError) return cause;
  if (cause instanceof PostStatusError) return refusalOf(cause);
  const { hostname, port, protocol } = new URL(url);
  const address = `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
  const why = goErrorText(cause, address, hostname.replace(/^\[|\]$/g, ""));
  return new WebhookCallError(`Post ${JSON.stringify(url)}: ${why}`, { cause });
}

function refusalOf(error: PostStatusError): WebhookCallError {
  try {
    readAnswer(error.answer);
  } catch (refusal) {
    if (refusal instanceof WebhookCallError) return refusal;
  }
  return new WebhookCallError(error.message, { cause: error });
}
