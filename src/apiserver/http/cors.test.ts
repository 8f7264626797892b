import assert from "node:assert/strict";
import { test } from "node:test";
import type { HandlerRequest } from "../contract.ts";
import { withCors } from "./cors.ts";

const asked: string[] = [];
const handle = withCors(["//page\\.example(:|$)"], ({ method }) => {
  asked.push(method);
  return Promise.resolve({ status: 403, headers: { "content-type": "a/b" }, body: new Uint8Array(0) });
});
const request = (method: string, origin?: string): HandlerRequest => ({
  method,
  path: "/version",
  peer: { address: "" },
  headers: origin === undefined ? {} : { origin },
});

test("pages of origins that are allowed may read answers, also those of failures; others may not", async () => {
  for (const origin of ["https://page.example", "http://page.example:81"]) {
    const { status, headers } = await handle(request("GET", origin));
    assert.equal(status, 403);
    assert.deepEqual(headers, {
      "content-type": "a/b",
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "POST, GET, OPTIONS, PUT, DELETE, PATCH",
      "access-control-allow-headers":
        "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since",
      "access-control-expose-headers": "Date",
      "access-control-allow-credentials": "true",
    });
  }
  for (const origin of [undefined, "https://page.example.evil", "https://otherpage.example", "null"])
    assert.deepEqual((await handle(request("GET", origin))).headers, { "content-type": "a/b" });
});

test("what a browser asks beforehand is answered without asking who it is, where the origin is allowed", async () => {
  asked.length = 0;
  const answer = await handle(request("OPTIONS", "https://page.example"));
  assert.equal(answer.status, 204);
  assert.equal(answer.headers["access-control-allow-origin"], "https://page.example");
  assert.deepEqual(asked, []);
  assert.equal((await handle(request("OPTIONS", "https://evil.example"))).status, 403);
  assert.deepEqual(asked, ["OPTIONS"]);
});
