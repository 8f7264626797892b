/** Servers may answer requests with an unrequested upgrade: that is an error, and nothing waits for an answer. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Extension } from "../aggregation/extension.ts";
import { ExtensionClient } from "../aggregation/extension-client.ts";
import { fetchJson } from "../auth/authn/oidc/fetch-json.ts";
import { KubeletClient } from "../proxy/kubelet-client.ts";
import { ca, clientCert, clientKey, serverCert, serverKey } from "../testing/certificates.ts";
import { ReviewClient } from "../webhooks/review-client.ts";
import { postByKubeconfig } from "./post-json.ts";

const nothing = { get: () => undefined, list: () => [], onChange: () => () => {} };
const folder = mkdtempSync(join(tmpdir(), "wherry-upgrades-"));
const kubeconfig = join(folder, "kubeconfig");
const open = new Set<TLSSocket>();
let server: Server;
let port: number;
let url: string;

before(async () => {
  server = createServer({ key: serverKey, cert: serverCert }, (socket) => {
    open.add(socket.on("error", () => undefined));
    socket.once("data", () =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: boat\r\n\r\nahoy"),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
  url = `https://127.0.0.1:${port}/x`;
  const authority = Buffer.from(ca).toString("base64");
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster: { server: url, "certificate-authority-data": authority } }],
      users: [{ name: "u", user: {} }],
    }),
  );
});
after(() => {
  for (const socket of open) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

const switched = /backend tried to switch protocol "boat" when "" was requested$/;

test("webhooks", async () => {
  const client = new ReviewClient(nothing, () => 0);
  const address = { url, caBundle: Buffer.from(ca).toString("base64") };
  await assert.rejects(client.post(address, {}, 30), {
    message: "the server responded with the status code 101 but did not return more information",
  });
  client.close();
});

test("webhooks that kubeconfigs name", () =>
  assert.rejects(postByKubeconfig(kubeconfig)({}, 30_000), switched));

test("issuers of tokens", () => assert.rejects(fetchJson(url, ca), switched));

test("kubelets", async () => {
  const client = new KubeletClient({ ca, cert: clientCert, key: clientKey });
  await assert.rejects(
    client.get({ host: "127.0.0.1", port, node: "n1" }, "/x", undefined, "anybody"),
    switched,
  );
  client.close();
});

test("extension servers", async () => {
  const client = new ExtensionClient(nothing, undefined, () => 0);
  const extension = { service: { namespace: "a", name: "b", port: 1 }, ca: undefined, insecure: true };
  const user = { name: "jane", groups: [] };
  await assert.rejects(
    client.send(
      extension as unknown as Extension,
      { host: "127.0.0.1", port },
      { method: "GET", path: "/", user },
    ),
    switched,
  );
  client.close();
});
