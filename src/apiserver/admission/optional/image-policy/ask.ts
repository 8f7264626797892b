/** Calls the image policy webhook of a kubeconfig, with client-go's error texts. */
import type { Clock } from "../../../../machinery/index.ts";
import { goErrorText } from "../../../network/go-errors.ts";
import { askByKubeconfig } from "../../../network/post-json.ts";
import { PostStatusError, withRetries } from "../../../network/retries.ts";
import { readAnswer, WebhookCallError } from "../../../webhooks/answers.ts";

/** The body of the answer; rejects with WebhookCallError when there is none. */
export type AskAboutImages = (review: object) => Promise<unknown>;

const timeoutMs = 30_000;

export function askAboutImages(
  kubeconfig: string,
  { clock, random, retryMs }: { clock: Clock; random: () => number; retryMs: number },
): AskAboutImages {
  const asking = askByKubeconfig(kubeconfig);
  const url = asking.url(timeoutMs);
  const { hostname, port, protocol } = new URL(url);
  const address = `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
  return async (review) => {
    try {
      return readAnswer(
        await withRetries(() => asking.ask(review, timeoutMs), { clock, random, firstWaitMs: retryMs }),
      );
    } catch (cause) {
      if (cause instanceof WebhookCallError) throw cause;
      if (cause instanceof PostStatusError) return readAnswer(cause.answer);
      const why = goErrorText(cause, address, hostname.replace(/^\[|\]$/g, ""));
      throw new WebhookCallError(`Post ${JSON.stringify(url)}: ${why}`, { cause });
    }
  };
}
