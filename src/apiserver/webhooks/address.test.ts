import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectReader } from "../auth-contract.ts";
import { targetOf } from "./address.ts";

const nothing: ObjectReader = { get: () => undefined, list: () => [], onChange: () => () => {} };

test("an URL is called as it stands there, its path as Go joins paths", () => {
  const at = (url: string) => {
    const { authority, path, serverName, endpoint } = targetOf({ url }, nothing, () => 0);
    return { authority, path, serverName, ...endpoint() };
  };
  assert.deepEqual(at("https://Hook.example.com:443/a//b/../c/"), {
    authority: "Hook.example.com:443",
    path: "/a/c",
    serverName: "hook.example.com",
    host: "hook.example.com",
    port: 443,
  });
  assert.deepEqual(at("https://[::1]:8443"), {
    authority: "[::1]:8443",
    path: "/",
    serverName: "::1",
    host: "::1",
    port: 8443,
  });
});

test("a Service has a name for its certificate, and its port is always shown", () => {
  const service = { namespace: "n", name: "s", path: "hook/" };
  const { authority, path, serverName, endpoint } = targetOf({ service }, nothing, () => 0);
  assert.deepEqual(
    { authority, path, serverName },
    { authority: "s.n.svc:443", path: "/hook", serverName: "s.n.svc" },
  );
  assert.throws(endpoint, { message: 'service "s" not found' });
});
