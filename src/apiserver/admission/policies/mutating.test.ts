import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { failure, type Harness, startHarness } from "../../testing/harness.ts";

const group = "/apis/admissionregistration.k8s.io/v1";
const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";
const deployments = "/apis/apps/v1/namespaces/default/deployments";

const apply = (expression: string) => ({
  patchType: "ApplyConfiguration",
  applyConfiguration: { expression },
});
const patch = (expression: string) => ({ patchType: "JSONPatch", jsonPatch: { expression } });

const policy = (name: string, spec: object) => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingAdmissionPolicy",
  metadata: { name },
  spec: {
    matchConstraints: {
      resourceRules: [
        { apiGroups: ["*"], apiVersions: ["*"], operations: ["CREATE", "UPDATE"], resources: ["*/*"] },
      ],
    },
    reinvocationPolicy: "Never",
    ...spec,
  },
});

async function bind(h: Harness, name: string, spec: object, bound: object = {}): Promise<void> {
  const binding = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingAdmissionPolicyBinding",
    metadata: { name },
    spec: { policyName: name, ...bound },
  };
  for (const [plural, body] of [
    ["mutatingadmissionpolicies", policy(name, spec)],
    ["mutatingadmissionpolicybindings", binding],
  ] as const) {
    const made = await h.call("POST", `${group}/${plural}`, body);
    assert.equal(made.status, 201, made.text);
  }
}

async function withPolicy(t: TestContext, spec: object, bound: object = {}): Promise<Harness> {
  const h = await startHarness();
  t.after(() => h.close());
  await bind(h, "p", spec, bound);
  return h;
}

const map = (data: object = { x: "1" }, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "m", ...metadata },
  data,
});

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p" },
  spec: {
    automountServiceAccountToken: false,
    containers: [
      { name: "a", image: "i" },
      { name: "b", image: "j" },
    ],
  },
};

/** Pods need the default account. */
async function withAccount(h: Harness): Promise<void> {
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } };
  const made = await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", account);
  assert.equal(made.status, 201, made.text);
}

/** The result of a dry-run create. */
async function made(h: Harness, path: string, body: object) {
  const answer = await h.call("POST", `${path}?dryRun=All`, body);
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

async function refused(h: Harness, path: string, body: object, code = 403) {
  return failure(await h.call("POST", `${path}?dryRun=All`, body), code);
}

test("a configuration is laid over the object as server-side apply does, and belongs to nobody", async (t) => {
  const h = await withPolicy(t, {
    matchConditions: [{ name: "pods", expression: "object.kind == 'Pod'" }],
    mutations: [
      apply(`Object{
        metadata: Object.metadata{labels: {"seen": request.operation}},
        spec: Object.spec{containers: [
          Object.spec.containers{name: "c", image: "k"},
          Object.spec.containers{name: "b", imagePullPolicy: "Never", env: [Object.spec.containers.env{name: "E"}]}
        ]}
      }`),
    ],
  });
  await withAccount(h);
  const { metadata, spec } = await made(h, pods, pod);
  assert.deepEqual(metadata.labels, { seen: "CREATE" });
  assert.deepEqual(
    spec.containers.map((each: { name: string; image: string }) => [each.name, each.image]),
    [
      ["a", "i"],
      ["c", "k"],
      ["b", "j"],
    ],
  );
  assert.equal(spec.containers[2].imagePullPolicy, "Never");
  // Added containers are defaulted.
  assert.equal(spec.containers[1].terminationMessagePath, "/dev/termination-log");
  assert.doesNotMatch(JSON.stringify(metadata.managedFields), /f:seen|"c\\"/);
  assert.deepEqual((await made(h, maps, map())).data, { x: "1" });
});

test("a configuration that does not fit its type is refused with all that is wrong", async (t) => {
  const h = await startHarness();
  t.after(() => h.close());
  await withAccount(h);
  const message = async (name: string, expression: string, path: string, body: object) => {
    await bind(
      h,
      name,
      { mutations: [apply(expression)] },
      {
        matchResources: { objectSelector: { matchLabels: { for: name } } },
      },
    );
    const status = await refused(h, path, {
      ...body,
      metadata: { name: "x", labels: { for: name } },
    });
    assert.equal(status.reason, "Invalid");
    assert.equal(status.details?.causes?.[0]?.message, status.message);
    const head = `policy '${name}' with binding '${name}' denied request: `;
    assert.ok(status.message?.startsWith(head), status.message);
    return status.message?.slice(head.length);
  };
  const typed = "error applying patch: failed to convert patch object to typed object: ";
  assert.equal(
    await message("unknown", "Object{foo: 1}", maps, map()),
    `${typed}.foo: field not declared in schema`,
  );
  assert.equal(
    await message("text", "Object{data: {'x': 1}}", maps, map()),
    `${typed}.data.x: expected string, got &value.valueUnstructured{Value:1}`,
  );
  assert.equal(
    await message("uint", "Object{metadata: Object.metadata{generation: 3u}}", maps, map()),
    `${typed}.metadata.generation: expected numeric (int or float), got uint64`,
  );
  assert.equal(
    await message("name", "Object{metadata: Object.spec{}}", maps, map()),
    'type mismatch: unexpected type name "Object.spec", expected "Object.metadata", which matches field name path from root Object type',
  );
  assert.equal(
    await message(
      "atomic",
      "Object{spec: Object.spec{containers: [Object.spec.containers{name: 'a', command: ['x']}]}}",
      pods,
      pod,
    ),
    "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].command",
  );
  assert.equal(
    await message("double", "Object{spec: Object.spec{terminationGracePeriodSeconds: 1.5}}", pods, pod),
    "unable to convert unstructured object to /v1, Kind=Pod: cannot convert float64 to int64",
  );
  assert.equal(
    await message("error", "Object{data: {'x': object.data.none}}", maps, map()),
    "expression 'Object{data: {'x': object.data.none}}' resulted in error: no such key: none",
  );
});

test("JSON patches: keys are escaped, a failed test changes nothing, mistakes are told of", async (t) => {
  const h = await withPolicy(t, {
    variables: [{ name: "op", expression: "object.data.op" }],
    mutations: [
      patch(`variables.op == "label" ? [
          JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("a.b/c"), value: "x"},
          JSONPatch{op: "copy", from: "/data/op", path: "/data/copied"}
        ] : variables.op == "test" ? [
          JSONPatch{op: "test", path: "/data/op", value: "other"},
          JSONPatch{op: "add", path: "/data/y", value: "1"}
        ] : variables.op == "missing" ? [JSONPatch{op: "add", path: "/foo/y", value: "1"}]
        : variables.op == "unknown" ? [JSONPatch{op: "add", path: "/foo", value: 1}]
        : variables.op == "type" ? [JSONPatch{op: "add", path: "/data/y", value: Object.metadata{x: Object.spec{}}}]
        : [JSONPatch{op: "replace", path: "/data", value: {"n": string(9007199254740993)}}]`),
    ],
  });
  const labelled = await made(h, maps, map({ op: "label" }, { labels: { a: "b" } }));
  assert.deepEqual(labelled.metadata.labels, { a: "b", "a.b/c": "x" });
  assert.equal(labelled.data.copied, "label");
  assert.deepEqual((await made(h, maps, map({ op: "test" }))).data, { op: "test" });
  assert.deepEqual((await made(h, maps, map({ op: "" }))).data, { n: "9007199254740993" });
  const problem = async (op: string, code?: number) =>
    (await refused(h, maps, map({ op }), code)).message?.replace(/^.* denied request: /, "");
  assert.equal(
    await problem("missing"),
    'JSON Patch: add operation does not apply: doc is missing path: "/foo/y": missing value',
  );
  assert.equal(
    await problem("unknown", 500),
    'Internal error occurred: strict decoding error: unknown field "foo"',
  );
  assert.match(
    (await problem("type")) ?? "",
    /type mismatch: unexpected type name "Object\.spec", expected "Object\.metadata\.x"/,
  );
});

test("mutations follow one another; after one that fails the others still run", async (t) => {
  const h = await withPolicy(t, {
    failurePolicy: "Ignore",
    mutations: [
      apply("Object{data: {'y': object.data.x + 'a'}}"),
      apply("Object{foo: 1}"),
      patch("[JSONPatch{op: 'add', path: '/data/z', value: object.data.y + 'b'}]"),
    ],
  });
  assert.deepEqual((await made(h, maps, map())).data, { x: "1", y: "1a", z: "1ab" });
});

const mark = "[JSONPatch{op: 'add', path: '/data/marks', value: object.data.?marks.orValue('') + '%'}]";
const marking = (letter: string) => patch(mark.replace("%", letter));

test("who wants to be asked again is asked once more, after everybody", async (t) => {
  const h = await withPolicy(t, { reinvocationPolicy: "IfNeeded", mutations: [marking("a")] });
  assert.equal((await made(h, maps, map())).data.marks, "aa");
  await bind(h, "q", { mutations: [marking("b")] });
  assert.equal((await made(h, maps, map())).data.marks, "aba");
});

test("when a policy has changed an object, the other plugins look at it once more", async (t) => {
  const h = await withPolicy(t, {
    matchConditions: [{ name: "pods", expression: "object.kind == 'Pod'" }],
    mutations: [
      apply("Object{spec: Object.spec{containers: [Object.spec.containers{name: 'c', image: 'k'}]}}"),
    ],
  });
  await withAccount(h);
  const limits = [{ type: "Container", default: { cpu: "1" }, defaultRequest: { cpu: "1" } }];
  const range = await h.call("POST", "/api/v1/namespaces/default/limitranges", {
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: { name: "r" },
    spec: { limits },
  });
  assert.equal(range.status, 201, range.text);
  const { spec } = await made(h, pods, pod);
  assert.deepEqual(
    spec.containers.map((each: { name: string; resources: object }) => [each.name, each.resources]),
    ["a", "b", "c"].map((name) => [name, { limits: { cpu: "1" }, requests: { cpu: "1" } }]),
  );
});

test("parameters come with the policy; nothing is done to what is deleted", async (t) => {
  const h = await withPolicy(
    t,
    {
      paramKind: { apiVersion: "v1", kind: "ConfigMap" },
      matchConditions: [{ name: "other", expression: "object.metadata.name != 'params'" }],
      mutations: [apply("Object{data: {'y': params.data.y}}")],
    },
    { paramRef: { name: "params", parameterNotFoundAction: "Deny" } },
  );
  const none = await refused(h, maps, map());
  assert.equal(none.reason, "Forbidden");
  assert.match(
    none.message ?? "",
    /failed to configure binding: no params found for policy binding with `Deny`/,
  );
  const binding = `${group}/mutatingadmissionpolicybindings/p`;
  const loose = structuredClone((await h.call("GET", binding)).body);
  loose.spec.paramRef.parameterNotFoundAction = "Allow";
  assert.equal((await h.call("PUT", binding, loose)).status, 200);
  assert.deepEqual((await made(h, maps, map())).data, { x: "1" });
  assert.equal((await h.call("POST", maps, map({ y: "2" }, { name: "params" }))).status, 201);
  assert.deepEqual((await made(h, maps, map())).data, { x: "1", y: "2" });
  assert.equal((await h.call("POST", maps, map())).status, 201);
  assert.equal((await h.call("DELETE", `${maps}/m`)).status, 200);
});

test("subresources: a Scale is seen as what it is, and has no schema of its own", async (t) => {
  const h = await withPolicy(t, {
    matchConditions: [
      { name: "scale", expression: "request.subResource == 'scale' && object.kind == 'Scale'" },
    ],
    mutations: [patch("[JSONPatch{op: 'replace', path: '/spec/replicas', value: 5}]")],
  });
  const template = {
    metadata: { labels: { a: "b" } },
    spec: { containers: [{ name: "c", image: "i" }] },
  };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: { replicas: 1, selector: { matchLabels: { a: "b" } }, template },
  };
  assert.equal((await h.call("POST", deployments, deployment)).status, 201);
  const scale = {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: { name: "d", namespace: "default" },
    spec: { replicas: 2 },
  };
  const scaled = await h.call("PUT", `${deployments}/d/scale`, scale);
  assert.equal(scaled.body.spec.replicas, 5);
  assert.equal((await h.call("GET", `${deployments}/d`)).body.spec.replicas, 5);
  await bind(h, "q", {
    matchConditions: [{ name: "scale", expression: "request.subResource == 'scale'" }],
    mutations: [apply("Object{spec: Object.spec{replicas: 6}}")],
  });
  assert.match(
    failure(await h.call("PUT", `${deployments}/d/scale`, scale), 403).message ?? "",
    /no corresponding type for autoscaling\/v1, Kind=Scale$/,
  );
});

test("policies are refused for expressions that make nothing of use, and for deletions", async (t) => {
  const h = await startHarness();
  t.after(() => h.close());
  const causes = async (spec: object) => {
    const answer = await h.call("POST", `${group}/mutatingadmissionpolicies`, policy("q", spec));
    return failure(answer, 422).details?.causes?.map(({ field, message }) => `${field}: ${message}`);
  };
  assert.deepEqual(
    await causes({
      variables: [{ name: "in", expression: "1" }],
      mutations: [
        apply("Object.spec{}"),
        patch("[]"),
        patch("[JSONPatch{op: 1}]"),
        { ...apply("Object{}"), jsonPatch: { expression: "[]" } },
      ],
    }),
    [
      'spec.variables[0].name: Invalid value: "in": must be a valid CEL identifier',
      'spec.mutations[0].applyConfiguration.expression: Invalid value: "Object.spec{}": must evaluate to Object but got Object.spec',
      'spec.mutations[1].jsonPatch.expression: Invalid value: "[]": must evaluate to list(JSONPatch) but got list(dyn)',
      "spec.mutations[2].jsonPatch.expression: Invalid value: \"[JSONPatch{op: 1}]\": compilation failed: ERROR: <input>:1:14: expected type of field 'op' is 'string' but provided type is 'int'\n | [JSONPatch{op: 1}]\n | .............^",
      'spec.mutations[3].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
    ],
  );
  const resourceRules = [
    { apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["configmaps"] },
  ];
  assert.deepEqual(await causes({ matchConstraints: { resourceRules }, mutations: [apply("Object{}")] }), [
    'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
  ]);
});
