/**
 * What a client can make long takes time by its length, and not by its square: of expressions that look for something again and
 * again a request of a mebibyte would make minutes. Each of these would outlast the time of its test.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Harness, startHarness } from "../../src/apiserver/testing/harness.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const bytes = 250_000;
const of = (part: string): string => part.repeat(Math.floor(bytes / part.length));
let h: Harness;

before(async () => {
  h = await startHarness({ plugins: { disable: ["ServiceAccount"] } });
  await h.call("POST", maps, { metadata: { name: "a" } });
});
after(() => h.close());

async function answers(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
  const { status, text } = await h.call(method, path, body, headers);
  assert.ok(status >= 200 && status < 500, text.slice(0, 500));
  assert.ok(text.length < 60 * bytes, `an answer of ${text.length} bytes`);
}

const parts = [
  " ",
  ",",
  ";",
  "/",
  "a",
  "=",
  "a=",
  "a in (b),",
  '"',
  "\\",
  "!",
  "-",
  ".",
  "a.",
  "a-",
  "1",
  "1h",
  "\t",
];
const inParts = ["application/json;q=0.1,", ";a=b", "*/*,", "metadata.name=a,"];
const headers = [
  "accept",
  "content-type",
  "user-agent",
  "accept-encoding",
  "authorization",
  "impersonate-user",
].concat(["impersonate-group", "audit-id", "traceparent", "tracestate"]);

for (const name of headers)
  test(`header ${name}`, async () => {
    for (const part of [...parts, ...inParts]) {
      await answers("GET", `${maps}/a`, undefined, { [name]: of(part) });
      await answers(
        "POST",
        `${maps}?dryRun=All`,
        { metadata: { name: "b" } },
        { [name]: `application/json;a=b${of(part)}!` },
      );
    }
  });

const queries =
  "labelSelector fieldSelector continue resourceVersion limit timeout timeoutSeconds dryRun fieldManager".split(
    " ",
  );
for (const name of [
  ...queries,
  "fieldValidation",
  "propagationPolicy",
  "gracePeriodSeconds",
  "resourceVersionMatch",
])
  test(`query ${name}`, async () => {
    for (const part of parts) {
      const value = encodeURIComponent(of(part));
      await answers("GET", `${maps}?${name}=${value}`);
      await answers("POST", `${maps}?dryRun=All&${name}=${value}`, { metadata: { name: "b" } });
    }
  });

test("bodies", async () => {
  for (const part of [
    "[",
    '{"a":',
    '"',
    "- ",
    "a: ",
    "a:\n",
    "\\",
    " ",
    "*a",
    "&a ",
    "[a,",
    "{",
    "? ",
    "\n",
    "#",
    "'",
  ])
    for (const type of ["json", "yaml", "apply-patch+yaml", "merge-patch+json", "json-patch+json"]) {
      const patches = type.includes("patch");
      const path = patches ? `${maps}/a?fieldManager=x` : maps;
      await answers(patches ? "PATCH" : "POST", path, of(part), { "content-type": `application/${type}` });
    }
});

test("names, labels and texts of objects", async () => {
  for (const part of parts) {
    const text = of(part);
    const metadata = { name: text, generateName: text, labels: { [text]: text }, finalizers: [text] };
    await answers("POST", maps, { metadata, data: { [text]: text } });
    const container = {
      name: text,
      image: text,
      env: [{ name: text, value: text }],
      resources: { limits: { cpu: text } },
    };
    await answers("POST", "/api/v1/namespaces/default/pods?dryRun=All", {
      metadata: { name: "p" },
      spec: { containers: [container], hostname: text, dnsConfig: { nameservers: [text], searches: [text] } },
    });
    await answers("POST", "/apis/batch/v1/namespaces/default/cronjobs?dryRun=All", {
      metadata: { name: "p" },
      spec: { schedule: text, timeZone: text, jobTemplate: {} },
    });
  }
});

test("expressions", async () => {
  for (const part of [...parts, "a+", "(", "[", "!!", "a.b(", "'", "x.all(y,", "1<", "a?b:", "a&&"]) {
    const expression = of(part).slice(0, 99_000);
    const validations = [{ expression, messageExpression: expression }];
    const rules = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] };
    await answers("POST", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies?dryRun=All", {
      metadata: { name: "p" },
      spec: { matchConstraints: { resourceRules: [rules] }, validations },
    });
  }
});

test("lists of many owners, and of many parts that may only grow", async () => {
  const many = 20_000;
  const managedFields = Array.from({ length: many }, (_, i) => ({
    manager: `m${i}`,
    operation: "Update",
    apiVersion: "v1",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:data": { [`f:k${i}`]: {} } },
  }));
  const owned = await h.call("POST", maps, {
    metadata: { name: "owned", managedFields },
    data: { own: "1" },
  });
  assert.equal(owned.status, 201);
  const [ancient] = owned.body.metadata.managedFields;
  assert.equal(ancient.manager, "ancient-changes");
  assert.equal(owned.body.metadata.managedFields.length, 10);
  assert.ok(Object.keys(ancient.fieldsV1["f:data"]).length > many - 20);
  const pods = "/api/v1/namespaces/default/pods";
  const tolerations = Array.from({ length: many }, (_, i) => ({ key: `k${i}`, operator: "Exists" }));
  const spec = { containers: [{ name: "c", image: "i" }], tolerations };
  const pod = await h.call("POST", pods, { metadata: { name: "many" }, spec });
  assert.equal(pod.status, 201);
  const { body } = pod;
  body.spec.tolerations.push({ key: "more", operator: "Exists" });
  assert.equal((await h.call("PUT", `${pods}/many`, body)).status, 200);
  body.spec.tolerations = body.spec.tolerations.slice(2);
  delete body.metadata.resourceVersion;
  assert.equal((await h.call("PUT", `${pods}/many`, body)).status, 422);
});

test("mistakes in long lists", async () => {
  const many = 2000;
  const ownerReferences = Array.from({ length: many }, (_, i) => ({
    ...{ apiVersion: "v1", kind: "Pod", name: `n${i}`, uid: "u", controller: true },
  }));
  const refused = await h.call("POST", maps, { metadata: { name: "owned-often", ownerReferences } });
  assert.equal(refused.status, 422);
  const { causes } = refused.body.details;
  assert.ok(causes.length > 10 && causes.length < many);
  assert.ok(refused.text.length < 60 * bytes);
});

test("lists whose parts are held against each other, or are shown whole with each mistake", async () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `n${i}`);
  const hard = Object.fromEntries(names.slice(0, 5000).map((name) => [`count/${name}`, "1"]));
  await answers("POST", "/api/v1/namespaces/default/resourcequotas", {
    metadata: { name: "q" },
    spec: { hard, scopes: names },
  });
  await answers("POST", "/apis/storage.k8s.io/v1/storageclasses", {
    metadata: { name: "s" },
    provisioner: "p",
    allowedTopologies: names.map(() => ({})),
  });
  const schema = {
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": names,
    items: { type: "object", properties: { a: { type: "string" } }, required: names },
  };
  const version = {
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: "object", properties: { l: schema } } },
  };
  await answers("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
    metadata: { name: "as.b.c" },
    spec: { group: "b.c", scope: "Cluster", names: { plural: "as", kind: "A" }, versions: [version] },
  });
  const rule = { apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] };
  await answers("POST", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", {
    metadata: { name: "p" },
    spec: {
      matchConstraints: { resourceRules: [{ ...rule, resourceNames: names }] },
      validations: [{ expression: "true" }],
    },
  });
});

test("patches of many operations", async () => {
  const operations = Array.from({ length: 60_000 }, () => ({ op: "add", path: "/data", value: {} }));
  for (const count of [9000, operations.length])
    await answers("PATCH", `${maps}/a?dryRun=All`, operations.slice(0, count), {
      "content-type": "application/json-patch+json",
    });
});
