import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../api/index.ts";
import type { TransportResponse } from "../../client/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { RequestInfo, SpecialHandler } from "../contract.ts";
import { PodLogMetrics } from "../metrics/pod-logs.ts";
import { MetricsRegistry } from "../metrics/registry.ts";
import { failure, startHarness } from "../testing/harness.ts";
import { KubeletClient } from "./kubelet-client.ts";
import { podLogHandler } from "./pod-log.ts";
import { streamHandler } from "./pod-streams.ts";
import { splitName } from "./proxy-target.ts";

const made = (nodeName?: string): KubeObject =>
  ({
    metadata: { name: "p" },
    spec: { ...(nodeName ? { nodeName } : {}), containers: [{ name: "c" }, { name: "d" }] },
  }) as KubeObject;

const objectsWith = (found: KubeObject | undefined): ObjectReader => ({
  get: (_group, resource) => (resource === "pods" ? found : undefined) as never,
  list: () => [],
  onChange: () => () => {},
});

function ask(handler: SpecialHandler, query: string, found: KubeObject | undefined): Promise<unknown> {
  const info = { namespace: "ns", name: "p", query: new URLSearchParams(query) } as RequestInfo;
  const user = { name: "u", groups: [] };
  const request = { method: "GET", path: "", headers: {}, peer: { address: "" } };
  return Promise.resolve().then(() =>
    handler.handle({ info, user, objects: objectsWith(found), request, object: () => ({}) }),
  );
}

const log = podLogHandler({
  kubelet: new KubeletClient({ cert: "", key: "", ca: "" }),
  meters: new PodLogMetrics(new MetricsRegistry()),
});

test("what is wrong with the options of a log is told at once, whether the pod is there or not", async () => {
  const query = "tailLines=-1&limitBytes=0&sinceSeconds=0&stream=All";
  await assert.rejects(ask(log, query, undefined), {
    code: 422,
    message:
      'PodLogOptions "p" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, ' +
      "limitBytes: Invalid value: 0: must be greater than 0, sinceSeconds: Invalid value: 0: must be greater than 0, " +
      "stream: Forbidden: may not be specified]",
  });
  await assert.rejects(ask(log, "sinceSeconds=-1&sinceTime=2026-01-01T00:00:00Z", undefined), {
    message:
      'PodLogOptions "p" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
  });
  await assert.rejects(ask(log, "sinceTime=x&tailLines=y", undefined), /^StatusError: parsing time "x" as /);
  await assert.rejects(ask(log, "sinceTime=&tailLines=y", undefined), /strconv\.ParseInt: parsing "y"/);
});

test("a pod that is on no node has an empty log, and one whose node is gone has none", async () => {
  const answer = (await ask(log, "container=c", made())) as TransportResponse;
  assert.equal(answer.status, 204);
  for await (const chunk of answer.body) assert.fail(`unexpected: ${chunk.length} bytes`);
  await assert.rejects(ask(log, "container=c", made("gone")), {
    reason: "NotFound",
    message: 'pods "gone" not found',
  });
});

test("who does not ask for an upgrade hears first what else keeps him from the container", async () => {
  for (const kind of ["exec", "attach"] as const) {
    const handler = streamHandler(kind);
    await assert.rejects(ask(handler, "", made()), /a container name must be specified for pod p/);
    await assert.rejects(ask(handler, "container=x", made()), /container x is not valid for pod p/);
    await assert.rejects(ask(handler, "container=c", made()), /pod p does not have a host assigned/);
  }
  await assert.rejects(ask(streamHandler("portforward"), "", made()), /pod p does not have a host assigned/);
});

test("who may look alone hears nothing of containers, upgraded or not", async () => {
  for (const kind of ["exec", "attach", "portforward"] as const) {
    const handler = streamHandler(kind, (user) => Promise.reject(new Error(`no, ${user.name}`)));
    await assert.rejects(ask(handler, "container=x", made()), /no, u/);
  }
});

test("ports are numbers of 16 bits", async (t) => {
  const h = await startHarness({ special: new Map([["pods/portforward", streamHandler("portforward")]]) });
  t.after(() => h.close());
  const says = async (ports: string): Promise<string> =>
    failure(await h.call("GET", `/api/v1/namespaces/default/pods/p/portforward?ports=${ports}`), 400)
      .message ?? "";
  assert.equal(
    await says("80,x"),
    'cannot convert to []int32: strconv.ParseUint: parsing "x": invalid syntax',
  );
  assert.equal(
    await says("99999"),
    'cannot convert to []int32: strconv.ParseUint: parsing "99999": value out of range',
  );
});

test("what is no name with a scheme and a port is no request to what it was meant for", () => {
  for (const kind of ["pod", "service"]) {
    assert.throws(() => splitName("ftp:a:80", kind), {
      code: 400,
      message: `invalid ${kind} request "ftp:a:80"`,
    });
  }
  assert.throws(() => splitName("a:b:c:d", "node"), { message: 'invalid node request "a:b:c:d"' });
  assert.deepEqual(splitName("https:a:80", "node"), { scheme: "https", name: "a", port: "80" });
});
