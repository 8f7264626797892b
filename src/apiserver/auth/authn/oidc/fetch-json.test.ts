import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { ca, serverCert, serverKey } from "../../../testing/certificates.ts";
import { fetchJson } from "./fetch-json.ts";

async function serving(t: TestContext, answer: (write: (text: string) => void) => void): Promise<string> {
  const server = createServer({ key: serverKey, cert: serverCert }, (_request, response) =>
    answer((text) => response.socket?.write(text)),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test("an issuer that sends a little now and then does not get more time", async (t) => {
  const up = new AbortController();
  const url = await serving(t, (write) => {
    write('HTTP/1.1 200 OK\r\n\r\n{"keys":[]}');
    setImmediate(() => up.abort());
  });
  await assert.rejects(fetchJson(url, ca, up.signal), { message: `GET ${url}: no answer in time` });
});

test("answers that are none", async (t) => {
  const cases: [answer: string, why: string][] = [
    ["HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 5\r\n\r\n", "status 302"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", "the answer is no JSON"],
    [`HTTP/1.1 200 OK\r\n\r\n${" ".repeat(2 * 1024 * 1024)}`, "the answer is too large"],
  ];
  for (const [answer, why] of cases) {
    const url = await serving(t, (write) => write(answer));
    await assert.rejects(fetchJson(url, ca), { message: `GET ${url}: ${why}` });
  }
});
