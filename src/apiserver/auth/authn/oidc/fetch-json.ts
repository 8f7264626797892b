import { request } from "node:https";
import { trusting } from "../../../../machinery/index.ts";
import type { FetchJson } from "./issuer-keys.ts";

const timeoutMs = 10_000;
const maxBytes = 1024 * 1024;

/** GET over HTTPS. Redirects are not followed. */
export const fetchJson: FetchJson = (url, ca) =>
  new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`GET ${url}: ${why}`));
    const call = request(url, {
      timeout: timeoutMs,
      headers: { accept: "application/json" },
      ...trusting(ca),
    });
    call.once("timeout", () => call.destroy(new Error("no answer in time")));
    call.once("error", (error) => fail(error.message));
    call.once("response", (response) => {
      if (response.statusCode !== 200) {
        response.resume();
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
      response.once("error", (error) => fail(error.message));
      response.once("end", () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()));
        } catch {
          fail("the answer is no JSON");
        }
      });
    });
    call.end();
  });
