/** Long YAML that takes too much memory ends a thread, not the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { configMap, startHarness } from "../testing/harness.ts";
import { longYamlBytes, yamlThread } from "./long-yaml.ts";

const maps = "/api/v1/namespaces/default/configmaps";

test("a text that would take all memory takes a thread's, and those behind it are read", async (t) => {
  // Small, so that it is soon exhausted.
  yamlThread.maxHeapMb = 48;
  const h = await startHarness();
  t.after(() => h.close());
  const send = (text: string) => h.call("POST", maps, text, { "content-type": "application/yaml" });
  const short = (name: string): string =>
    `metadata:\n  name: ${name}\ndata:\n  k: "${"x".repeat(longYamlBytes)}"\n`;
  const refused = send(`a: [${"[],".repeat(500_000)}]`);
  const behind = send(short("behind"));
  assert.equal((await refused).status, 413);
  assert.equal((await behind).status, 201);
  assert.equal((await send(short("next"))).status, 201);
  assert.equal((await h.call("POST", maps, configMap("short"))).status, 201);
});
