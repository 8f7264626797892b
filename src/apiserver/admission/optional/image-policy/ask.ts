/** Calls the image policy webhook of a kubeconfig, with client-go's error texts. */
import type { Clock } from "../../../../machinery/index.ts";
import { askByKubeconfig } from "../../../network/post-json.ts";
import { withRetries } from "../../../network/retries.ts";
import { readAnswer } from "../../../webhooks/answers.ts";
import { askFailure } from "../../../webhooks/ask-failure.ts";

/** The body of the answer; rejects with WebhookCallError when there is none. */
export type AskAboutImages = (review: object) => Promise<unknown>;

const timeoutMs = 30_000;

export function askAboutImages(
  kubeconfig: string,
  { clock, random, retryMs }: { clock: Clock; random: () => number; retryMs: number },
): AskAboutImages {
  const asking = askByKubeconfig(kubeconfig);
  const url = asking.url(timeoutMs);
  return async (review) => {
    try {
      return readAnswer(
        await withRetries(() => asking.ask(review, timeoutMs), { clock, random, firstWaitMs: retryMs }),
      );
    } catch (cause) {
      throw askFailure(cause, url);
    }
  };
}
