import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ca, serverCert, serverKey } from "../testing/certificates.ts";
import { postByKubeconfig } from "./post-json.ts";

/** What a webhook receives of a post: its URL and credentials. */
async function seen(t: TestContext, scheme: "http" | "https", path: string, timeoutMs: number) {
  const asked: (string | undefined)[] = [];
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    asked.push(request.url, request.headers.authorization);
    request.resume().on("end", () => response.end("{}"));
  };
  const server =
    scheme === "http" ? createHttp(take) : createHttps({ cert: serverCert, key: serverKey }, take);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const dir = mkdtempSync(join(tmpdir(), "post-"));
  t.after(async () => {
    rmSync(dir, { recursive: true });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  writeFileSync(join(dir, "token"), "secret\n");
  const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const trust = scheme === "http" ? {} : { "certificate-authority-data": Buffer.from(ca).toString("base64") };
  const config = {
    "current-context": "x",
    contexts: [{ name: "x", context: { cluster: "x", user: "x" } }],
    clusters: [{ name: "x", cluster: { server: url, ...trust } }],
    users: [{ name: "x", user: { tokenFile: join(dir, "token") } }],
  };
  writeFileSync(join(dir, "config"), JSON.stringify(config));
  await postByKubeconfig(join(dir, "config"))({}, timeoutMs);
  return asked;
}

test("a webhook is told how much time there is, and who asks", async (t) => {
  assert.deepEqual(await seen(t, "https", "/a/b/", 30_000), ["/a/b?timeout=30s", "Bearer secret"]);
  assert.deepEqual(await seen(t, "https", "", 1500), ["/?timeout=1.5s", "Bearer secret"]);
});

test("credentials are not sent without TLS", async (t) => {
  assert.deepEqual(await seen(t, "http", "/a", 1000), ["/a?timeout=1s", undefined]);
});

test("a kubeconfig without a current context is named", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "post-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, "config");
  writeFileSync(file, JSON.stringify({ clusters: [{ name: "x", cluster: { server: "https://x" } }] }));
  assert.throws(() => postByKubeconfig(file), {
    message: `invalid configuration: ${file} has no current context`,
  });
});
