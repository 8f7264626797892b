import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../../testing/index.ts";
import type { CertificateSigningRequest, Pod } from "../../api/index.ts";
import type { Audit } from "../audit/audit.ts";
import { forgiving } from "../audit/forgiving.ts";
import { logBackend } from "../audit/log-backend.ts";
import type { ObjectReader } from "../auth-contract.ts";
import { NodeAuthorizer } from "../auth/node/node-authorizer.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import { goErrorText } from "../network/go-errors.ts";
import { KubeletClient } from "../proxy/kubelet-client.ts";
import { podLogHandler } from "../proxy/pod-log.ts";
import { auditBy } from "../testing/audit.ts";
import { ca, clientCert, clientKey, serverCert, serverKey } from "../testing/certificates.ts";
import { configMap, startHarness } from "../testing/harness.ts";
import { AuthMetrics } from "./auth.ts";
import { describeIssuance } from "./issuance.ts";
import { PodLogMetrics } from "./pod-logs.ts";
import { MetricsRegistry } from "./registry.ts";
import { X509Metrics } from "./x509.ts";

/** Lines of these metrics with a count above zero. */
async function counted(registry: MetricsRegistry, ...names: string[]): Promise<string[]> {
  return (await registry.text())
    .split("\n")
    .filter((line) => names.some((name) => line.startsWith(name)) && !line.endsWith(" 0"));
}

type Listener = (type: "added" | "modified" | "deleted", object: never, old: never) => void;

/** Objects with change events only. */
function changes(): { objects: ObjectReader; tell: (...change: unknown[]) => void } {
  const listeners: Listener[] = [];
  return {
    objects: {
      get: () => undefined,
      list: () => [],
      onChange(_group, _resource, listener) {
        listeners.push(listener as Listener);
        return () => {};
      },
    },
    tell: (...change) => {
      for (const each of listeners) each(...(change as Parameters<Listener>));
    },
  };
}

test("certificates count when they are issued to who asked for a duration, and when they last so long", async () => {
  const registry = new MetricsRegistry();
  const { objects, tell } = changes();
  describeIssuance(registry, objects);
  const certificate = Buffer.from(serverCert).toString("base64");
  const asked = (signerName: string, expirationSeconds: number | undefined, issued: boolean) =>
    ({
      spec: { signerName, ...(expirationSeconds === undefined ? {} : { expirationSeconds }) },
      status: issued ? { certificate } : {},
    }) as CertificateSigningRequest;
  // A century, and more than a day off.
  const century = 36_500 * 24 * 3600;
  const issue = (signer: string, seconds: number | undefined): void =>
    tell("modified", asked(signer, seconds, true), asked(signer, seconds, false));
  issue("kubernetes.io/kubelet-serving", century + 24 * 3600);
  issue("acme.io/x", 3600);
  issue("acme.io/x", undefined);
  tell("modified", asked("acme.io/x", century, true), asked("acme.io/x", century, true));
  const prefix = "apiserver_certificates_registry_csr_";
  assert.deepEqual(await counted(registry, prefix), [
    `${prefix}honored_duration_total{signerName="kubernetes.io/kubelet-serving"} 1`,
    `${prefix}requested_duration_total{signerName="kubernetes.io/kubelet-serving"} 1`,
    `${prefix}requested_duration_total{signerName="other"} 1`,
  ]);
});

test("the graph of nodes is timed when pods come and go", async () => {
  const registry = new MetricsRegistry();
  const { objects, tell } = changes();
  let now = 0;
  new NodeAuthorizer(() => (now += 1)).attach(objects, new AuthMetrics(registry));
  const pod = { metadata: { name: "p", namespace: "n" }, spec: { nodeName: "m" } } as Pod;
  tell("added", pod, undefined);
  tell("modified", pod, pod);
  tell("deleted", pod, pod);
  const name = "node_authorizer_graph_actions_duration_seconds";
  assert.deepEqual(await counted(registry, `${name}_count`, `${name}_sum`), [
    `${name}_sum{operation="AddPod"} 0.001`,
    `${name}_count{operation="AddPod"} 1`,
    `${name}_sum{operation="DeletePod"} 0.001`,
    `${name}_count{operation="DeletePod"} 1`,
  ]);
});

/** A kubelet with a certificate for 127.0.0.1 from an unknown authority. */
async function kubelet(t: TestContext): Promise<ObjectReader> {
  const server = createServer({ cert: serverCert, key: serverKey }, (_request, response) =>
    response.end("hello"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const node = {
    metadata: { name: "localhost" },
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  };
  const pod = { metadata: { name: "p" }, spec: { nodeName: "localhost", containers: [{ name: "c" }] } };
  return {
    get: (_group, resource) => (resource === "pods" ? pod : node) as never,
    list: () => [],
    onChange: () => () => {},
  };
}

test("logs are read from a kubelet that nobody vouches for only by who says so, and both are counted", async (t) => {
  const registry = new MetricsRegistry();
  const objects = await kubelet(t);
  const other = new KubeletClient({ cert: clientCert, key: clientKey, ca: clientCert });
  const known = new KubeletClient({ cert: clientCert, key: clientKey, ca });
  t.after(() => {
    other.close();
    known.close();
  });
  const meters = new PodLogMetrics(registry);
  const read = async (client: KubeletClient, query: string): Promise<string> => {
    const info = { namespace: "n", name: "p", query: new URLSearchParams(query) } as RequestInfo;
    const request = { method: "GET", path: "", headers: {}, peer: { address: "" } } as HandlerRequest;
    const user = { name: "u", groups: [] };
    const context = { info, user, objects, request, object: () => ({}) };
    const answer = await podLogHandler({ kubelet: client, meters }).handle(context);
    let text = "";
    for await (const chunk of (answer as { body: AsyncIterable<Buffer> }).body) text += chunk.toString();
    return text;
  };
  assert.equal(await read(known, ""), "hello");
  await assert.rejects(read(other, ""), { reason: "InternalError" });
  assert.equal(await read(other, "insecureSkipTLSVerifyBackend=true"), "hello");
  // A skipped verification does not affect other requests.
  await assert.rejects(read(other, ""), { reason: "InternalError" });
  const prefix = "kube_apiserver_pod_logs_";
  assert.deepEqual(await counted(registry, prefix), [
    `${prefix}backend_tls_failure_total 2`,
    `${prefix}insecure_backend_total{usage="enforce_tls"} 3`,
    `${prefix}insecure_backend_total{usage="skip_tls_allowed"} 1`,
  ]);
});

test("servers with certificates that Go takes no more are counted by what is wrong with them", async () => {
  const registry = new MetricsRegistry();
  const webhooks = new X509Metrics(registry, "webhooks");
  const legacy = { subject: { CN: "hook.example.com" } };
  const wrong = Object.assign(new Error("x"), { code: "ERR_TLS_CERT_ALTNAME_INVALID", cert: legacy });
  const noted: string[][] = [];
  const note = (...pair: [string, string]): void => void noted.push(pair);
  webhooks.refused(goErrorText(wrong, "1.2.3.4:443", "hook.example.com"), "hook.example.com", note);
  webhooks.refused(goErrorText(wrong, "1.2.3.4:443", "other.example.com"), "other.example.com", note);
  const weak = new Error("CA signature digest algorithm too weak");
  const text = goErrorText(weak, "1.2.3.4:443", "hook.example.com");
  assert.equal(
    text,
    "tls: failed to verify certificate: x509: cannot verify signature: insecure algorithm SHA1-RSA",
  );
  webhooks.refused(text, "hook.example.com", note);
  assert.deepEqual(noted, [
    [
      "missing-san.invalid-cert.kubernetes.io/hook.example.com",
      "relies on a legacy Common Name field instead of the SAN extension for subject validation",
    ],
    ["insecure-sha1.invalid-cert.kubernetes.io/hook.example.com", "uses an insecure SHA-1 signature"],
  ]);
  assert.deepEqual(await counted(registry, "apiserver_webhooks_x509"), [
    "apiserver_webhooks_x509_insecure_sha1_total 1",
    "apiserver_webhooks_x509_missing_san_total 1",
  ]);
});

test("APIServices count when nobody answers for them any more, by why", async (t) => {
  const h = await startHarness();
  t.after(() => h.close());
  const services = "/apis/apiregistration.k8s.io/v1/apiservices";
  const spec = {
    group: "g.example.com",
    version: "v1",
    groupPriorityMinimum: 1,
    versionPriority: 1,
    service: { name: "s", namespace: "default" },
    insecureSkipTLSVerify: true,
  };
  const name = "v1.g.example.com";
  await h.call("POST", services, { metadata: { name }, spec });
  const condition = {
    type: "Available",
    status: "True",
    reason: "Passed",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  const type = { "content-type": "application/merge-patch+json" };
  await h.call("PATCH", `${services}/${name}/status`, { status: { conditions: [condition] } }, type);
  // The server checks availability itself, and finds no such Service.
  const line = `aggregator_unavailable_apiservice_total{name="${name}",reason="ServiceNotFound"} 1\n`;
  await until("the count", async () => (await h.call("GET", "/metrics")).text.includes(line));
});

test("events of the audit record that are lost are counted by where", async (t) => {
  const told: unknown[] = [];
  const full = logBackend(
    {
      write() {
        throw new Error("no space left on device");
      },
      close: async () => {},
    },
    {
      lost(plugin, events, error) {
        audit.lost(plugin, events);
        told.push([plugin, (error as Error).message]);
      },
    },
  );
  const audit: Audit = auditBy([{ level: "Metadata" }], forgiving(full));
  const h = await startHarness({ audit });
  t.after(() => h.close());
  const before = audit.errors.get("log") ?? 0;
  const answer = await h.call("POST", "/api/v1/namespaces/default/configmaps", configMap("a"));
  // The request succeeds nevertheless.
  assert.equal(answer.status, 201);
  assert.equal(audit.errors.get("log"), before + 2);
  assert.deepEqual(told.at(-1), ["log", "no space left on device"]);
  audit.lost("webhook", 7);
  const { text } = await h.call("GET", "/metrics");
  assert.match(text, /^apiserver_audit_error_total\{plugin="webhook"\} 7$/m);
});
