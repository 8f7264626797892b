import { request } from "node:https";
import { trusting } from "../../../../machinery/index.ts";
import { onUnaskedUpgrade } from "../../../network/unasked-upgrade.ts";

/** For the whole exchange, also when a server sends slowly. */
const timeoutMs = 10_000;
const maxBytes = 1024 * 1024;

/** GET over HTTPS without redirects. `signal`: aborts it. */
export const fetchJson = (
  url: string,
  ca: string | undefined,
  signal: AbortSignal = AbortSignal.timeout(timeoutMs),
): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`GET ${url}: ${why}`));
    const call = request(url, {
      signal,
      headers: { accept: "application/json" },
      ...trusting(ca),
    });
    const failed = (error: Error): void => fail(signal.aborted ? "no answer in time" : error.message);
    call.once("error", failed);
    onUnaskedUpgrade(call, failed);
    call.once("response", (response) => {
      if (response.statusCode !== 200) {
        response.destroy();
        fail(`status ${response.statusCode}`);
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > maxBytes) call.destroy(new Error("the answer is too large"));
        else chunks.push(chunk);
      });
      response.once("error", failed);
      response.once("end", () => {
        // A body that ends with the connection looks complete when it is aborted.
        if (signal.aborted) return fail("no answer in time");
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()));
        } catch {
          fail("the answer is no JSON");
        }
      });
    });
    call.end();
  });
