import assert from "node:assert/strict";
import { test } from "node:test";
import type { APIService, KubeObject } from "../../api/index.ts";
import { obstacle, withVerdict } from "./availability.ts";
import { type Extension, extensionOf } from "./extension.ts";
import { goErrorText } from "../network/go-errors.ts";
import { forwardedHeaders } from "../network/forwarded-headers.ts";
import { identityHeaders } from "./identity-headers.ts";
import { aggregatedForm } from "./remote-discovery.ts";
import { mergeDocument } from "./remote-openapi.ts";

test("who asks is told by headers that no client can bring along", () => {
  assert.deepEqual(
    identityHeaders({
      name: "ann",
      uid: "1",
      groups: ["a", "b"],
      extra: { "example.com/Key": ["x", "y"], plain: ["z"] },
    }),
    {
      "x-remote-user": "ann",
      "x-remote-uid": "1",
      "x-remote-group": ["a", "b"],
      "x-remote-extra-example.com%2FKey": ["x", "y"],
      "x-remote-extra-plain": ["z"],
    },
  );
  const given = {
    authorization: "Bearer x",
    "x-remote-user": "admin",
    "x-remote-extra-a": "b",
    "x-remote-group": "system:masters",
    "x-remote-uid": "1",
    "impersonate-user": "admin",
    "transfer-encoding": "chunked",
    connection: "close, X-Mine",
    "x-mine": "1",
    accept: "a/b",
    "x-forwarded-for": "9.9.9.9",
  };
  assert.deepEqual(forwardedHeaders(given, { address: "10.0.0.1" }), {
    accept: "a/b",
    "x-forwarded-for": "9.9.9.9, 10.0.0.1",
  });
});

const extension = extensionOf({
  metadata: { name: "v1.e.io" },
  spec: {
    group: "e.io",
    version: "v1",
    groupPriorityMinimum: 1,
    versionPriority: 1,
    service: { namespace: "n", name: "s", port: 443 },
  },
} as APIService) as Extension;

test("what stands in the way of an extension server is said in Kubernetes' words", () => {
  const stored: Record<string, KubeObject[]> = { services: [], endpointslices: [] };
  const caches = {
    get: () => stored.services?.[0],
    list: () => stored.endpointslices ?? [],
  };
  const seen = () => obstacle({ caches } as never, extension);
  assert.deepEqual(seen(), {
    status: "False",
    reason: "ServiceNotFound",
    message: 'service/s in "n" is not present',
  });
  const service = (port: number, type = "ClusterIP"): KubeObject =>
    ({ spec: { type, ports: [{ name: "https", port }] } }) as KubeObject;
  stored.services = [service(80)];
  assert.equal(seen()?.message, 'service/s in "n" is not listening on port 443');
  stored.services = [service(443)];
  assert.equal(seen()?.message, 'cannot find endpointslices for service/s in "n"');
  const slice = (ready: boolean, name: string): KubeObject =>
    ({
      metadata: { labels: { "kubernetes.io/service-name": "s" } },
      endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready } }],
      ports: [{ name, port: 1 }],
    }) as KubeObject;
  for (const wrong of [slice(false, "https"), slice(true, "other")]) {
    stored.endpointslices = [wrong];
    assert.deepEqual(seen(), {
      status: "False",
      reason: "MissingEndpoints",
      message: 'endpointslices for service/s in "n" have no addresses with port name "https"',
    });
  }
  stored.endpointslices = [slice(true, "https")];
  assert.equal(seen(), undefined);
  stored.services = [service(80, "ExternalName")];
  assert.equal(seen(), undefined);
});

test("the time of a condition moves with its status alone", () => {
  const ok = { status: "True", reason: "Passed", message: "all checks passed" };
  const first = withVerdict([{ type: "Other", status: "True" }], ok, "t1");
  assert.deepEqual(first[1], { type: "Available", lastTransitionTime: "t1", ...ok });
  const changed = withVerdict(first, { ...ok, message: "still" }, "t2");
  assert.equal(changed[1]?.lastTransitionTime, "t1");
  assert.equal(withVerdict(changed, { ...ok, status: "False" }, "t3")[1]?.lastTransitionTime, "t3");
});

test("a legacy resource list becomes the aggregated form", () => {
  assert.deepEqual(
    aggregatedForm([
      {
        name: "flunders",
        singularName: "flunder",
        namespaced: true,
        kind: "Flunder",
        verbs: ["get"],
        shortNames: ["fl"],
      },
      { name: "flunders/status", namespaced: true, kind: "Flunder", verbs: ["patch"] },
      {
        name: "lone/scale",
        namespaced: false,
        kind: "Scale",
        group: "autoscaling",
        version: "v1",
        verbs: ["get"],
      },
    ]),
    [
      {
        resource: "flunders",
        responseKind: { group: "", version: "", kind: "Flunder" },
        scope: "Namespaced",
        singularResource: "flunder",
        verbs: ["get"],
        shortNames: ["fl"],
        subresources: [
          {
            subresource: "status",
            responseKind: { group: "", version: "", kind: "Flunder" },
            verbs: ["patch"],
          },
        ],
      },
      {
        resource: "lone",
        responseKind: {},
        scope: "Cluster",
        verbs: [],
        subresources: [
          {
            subresource: "scale",
            responseKind: { group: "autoscaling", version: "v1", kind: "Scale" },
            verbs: ["get"],
          },
        ],
      },
    ],
  );
});

test("OpenAPI documents are merged: only what is asked for, and nobody's definition gets lost", () => {
  const ref = (name: string) => ({ $ref: `#/definitions/${name}` });
  const merged = {
    paths: { "/api/v1/pods": {} },
    definitions: { Meta: { type: "object" }, Thing: { a: 1 } },
  };
  mergeDocument(
    merged,
    {
      paths: { "/apis/e.io/v1/things": { get: ref("Thing") }, "/apis/other/v1/x": { get: ref("Unused") } },
      definitions: { Thing: { b: 2, of: ref("Meta") }, Meta: { type: "object" }, Unused: {} },
    },
    ["/apis/e.io/v1/"],
  );
  assert.deepEqual(merged, {
    paths: { "/api/v1/pods": {}, "/apis/e.io/v1/things": { get: ref("Thing_v2") } },
    definitions: {
      Meta: { type: "object" },
      Thing: { a: 1 },
      Thing_v2: { b: 2, of: ref("Meta") },
    },
  });
});

test("failures to connect are worded as Go words them", () => {
  const error = (code: string, more: object = {}) => Object.assign(new Error("x"), { code, ...more });
  const text = (cause: Error) => goErrorText(cause, "10.0.0.1:443", "s.n.svc");
  assert.equal(text(error("ECONNREFUSED")), "dial tcp 10.0.0.1:443: connect: connection refused");
  assert.equal(
    text(error("DEPTH_ZERO_SELF_SIGNED_CERT")),
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  );
  assert.equal(
    text(
      error("ERR_TLS_CERT_ALTNAME_INVALID", { cert: { subjectaltname: "DNS:a, DNS:b, IP Address:1.2.3.4" } }),
    ),
    "tls: failed to verify certificate: x509: certificate is valid for a, b, not s.n.svc",
  );
});

test("names beyond ASCII go on as UTF-8", () => {
  const bytes = (text: string): string => Buffer.from(text).toString("latin1");
  const headers = identityHeaders({ name: "木", uid: "ü", groups: ["é"], extra: { a: ["ß"] } });
  assert.deepEqual(headers, {
    "x-remote-user": bytes("木"),
    "x-remote-uid": bytes("ü"),
    "x-remote-group": [bytes("é")],
    "x-remote-extra-a": [bytes("ß")],
  });
  const given = { "user-agent": "木/1", accept: "a" };
  assert.equal(forwardedHeaders(given, { address: "" })["user-agent"], bytes("木/1"));
});
