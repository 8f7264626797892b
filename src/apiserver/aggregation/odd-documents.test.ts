/** Discovery and OpenAPI documents of extension servers are merged into the server's own: invalid ones are left out. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { Extension } from "./extension.ts";
import type { ExtensionClient } from "./extension-client.ts";
import { RemoteDiscovery } from "./remote-discovery.ts";
import { RemoteOpenApi } from "./remote-openapi.ts";

const type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const extension = {
  ...{ name: "v1.e.io", group: "e.io", version: "v1", ca: undefined, insecure: true, available: true },
  ...{ service: { namespace: "a", name: "b", port: 443 }, priority: { group: 1, version: 1 } },
} as Extension;

const saying = (text: string): ExtensionClient =>
  ({
    endpoint: () => ({ host: "127.0.0.1", port: 1 }),
    send: () =>
      Promise.resolve(
        Object.assign(Readable.from([Buffer.from(text)]), {
          statusCode: 200,
          headers: { "content-type": type },
        }),
      ),
  }) as unknown as ExtensionClient;

const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const nonsense = [
  "5",
  "null",
  '"text"',
  "[1]",
  "{",
  "",
  '{"paths":5,"definitions":null,"items":5}',
  '{"paths":"/apis/e.io/v1/","definitions":"x","items":"x"}',
  '{"paths":null,"items":[null]}',
  '{"items":[{"metadata":{"name":"e.io"},"versions":[{"version":"v1","resources":[null]}]}]}',
  '{"items":[{"metadata":{"name":"e.io"},"versions":[{"version":"v1","resources":"x"}]}]}',
  '{"items":[{"metadata":{"name":"e.io"},"versions":5}]}',
  `{"paths":{"/apis/e.io/v1/x":${deep(20_000)}},"definitions":{"x":${deep(20_000)}},"items":${deep(20_000)}}`,
  `{"items":[{"metadata":{"name":"e.io"},"versions":[{"version":"v1","resources":[{"x":${deep(20_000)}}]}]}]}`,
  '{"paths":{"/apis/e.io/v1/x":{"$ref":"#/definitions/__proto__"}},"definitions":{"__proto__":{"a":1}}}',
];

test("documents that are none harm nobody", async () => {
  const own = { paths: { "/api/v1/pods": {} }, definitions: { Pod: { type: "object" } } };
  for (const text of nonsense) {
    const openApi = new RemoteOpenApi(saying(text));
    const merged = (await openApi.v2([extension])).merge(own) as typeof own;
    assert.deepEqual(merged.paths["/api/v1/pods"], {}, text.slice(0, 80));
    assert.deepEqual(merged.definitions.Pod, { type: "object" });
    JSON.stringify(merged);
    assert.deepEqual((await openApi.paths([extension], { "api/v1": 1 }))["api/v1"], 1);
    const discovery = new RemoteDiscovery(saying(text));
    await discovery.refresh(extension, new AbortController().signal);
    const { version, freshness, resources = [] } = discovery.entry(extension);
    assert.equal(version, "v1");
    assert.ok(["Current", "Stale"].includes(freshness));
    assert.ok(resources.every((each) => typeof each === "object" && each !== null));
  }
});
