import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuthorizationAttributes } from "../../auth-contract.ts";
import { AbacAuthorizer, readPolicies } from "./abac.ts";

const policy = (spec: object): string =>
  JSON.stringify({ apiVersion: "abac.authorization.kubernetes.io/v1beta1", kind: "Policy", spec });
const authorizer = (...lines: string[]) => new AbacAuthorizer(readPolicies(lines.join("\n"), "f"));
const bob = { name: "bob", groups: ["g", "system:authenticated"] };
const anonymous = { name: "system:anonymous", groups: ["system:unauthenticated"] };

const asked = (more: Partial<AuthorizationAttributes>): AuthorizationAttributes => ({
  ...{ user: bob, verb: "create", apiGroup: "apps", apiVersion: "v1", resource: "deployments" },
  ...{ subresource: "", namespace: "n", name: "", path: "", isResource: true },
  ...more,
});
const path = (name: string, verb = "get") => ({ isResource: false, path: name, verb, apiGroup: "" });

test("a policy allows what it names, to whom it names", () => {
  for (const [spec, more, allowed] of [
    [{ user: "bob", resource: "*", namespace: "*", apiGroup: "*" }, {}, true],
    [{ user: "eve", resource: "*", namespace: "*", apiGroup: "*" }, {}, false],
    [{ user: "*", resource: "*", namespace: "*", apiGroup: "*" }, {}, true],
    [{ user: "*", resource: "*", namespace: "*", apiGroup: "*" }, { user: anonymous }, false],
    [{ group: "*", resource: "*", namespace: "*", apiGroup: "*" }, { user: anonymous }, false],
    [{ user: "eve", group: "*", resource: "*", namespace: "*", apiGroup: "*" }, {}, true],
    [{ user: "*", group: "h", resource: "*", namespace: "*", apiGroup: "*" }, {}, true],
    [{ group: "g", resource: "deployments", namespace: "n", apiGroup: "apps" }, {}, true],
    [{ group: "h", resource: "*", namespace: "*", apiGroup: "*" }, {}, false],
    [{ group: "*", user: "bob", resource: "*", namespace: "*", apiGroup: "*" }, {}, true],
    [{ user: "bob", group: "h", resource: "*", namespace: "*", apiGroup: "*" }, {}, false],
    [{ resource: "*", namespace: "*", apiGroup: "*" }, {}, false],
    [{ user: "bob", resource: "*", namespace: "m", apiGroup: "*" }, {}, false],
    [{ user: "bob", resource: "pods", namespace: "*", apiGroup: "*" }, {}, false],
    [{ user: "bob", resource: "*", namespace: "*" }, {}, false],
    [{ user: "bob", resource: "*", namespace: "*" }, { apiGroup: "" }, true],
    [{ user: "bob", resource: "*", namespace: "*", apiGroup: "*", readonly: true }, {}, false],
    [{ user: "bob", resource: "*", namespace: "*", apiGroup: "*", readonly: true }, { verb: "watch" }, true],
    [{ user: "bob", resource: "*", namespace: "*", apiGroup: "*" }, path("/version"), false],
    [{ user: "bob", nonResourcePath: "*" }, path("/version"), true],
    [{ user: "bob", nonResourcePath: "*" }, {}, false],
    [{ user: "bob", nonResourcePath: "/version" }, path("/version/x"), false],
    [{ user: "bob", nonResourcePath: "/api*" }, path("/apis"), true],
    [{ user: "bob", nonResourcePath: "/api*", readonly: true }, path("/apis", "post"), false],
  ] as const)
    assert.deepEqual(
      authorizer(policy(spec)).authorize(asked(more)),
      allowed ? { allowed, reason: "" } : { allowed, reason: "No policy matched." },
      JSON.stringify([spec, more]),
    );
});

test("lines without a version leave more open", () => {
  const may = (line: object, more: Partial<AuthorizationAttributes> = {}): boolean =>
    authorizer("# all", "", JSON.stringify(line)).authorize(asked(more)).allowed;
  assert.equal(may({ user: "bob" }), true);
  assert.equal(may({ user: "bob" }, path("/version")), true);
  assert.equal(may({ user: "bob", namespace: "n" }, path("/version")), false);
  assert.equal(may({ user: "bob", namespace: "m" }), false);
  assert.equal(may({ user: "eve" }), false);
  assert.equal(may({ readonly: true }), false);
  assert.equal(may({ readonly: true }, { verb: "list" }), true);
  assert.equal(may({ user: "*" }), true);
  assert.equal(may({ user: "*" }, { user: anonymous }), false);
});

test("lines of version v0 are those without a version", () => {
  const line = { apiVersion: "abac.authorization.kubernetes.io/v0", user: "bob", spec: 5 };
  for (const each of [line, { ...line, kind: "Policy" }, { ...line, apiVersion: null, kind: "Policy" }])
    assert.equal(authorizer(JSON.stringify(each)).authorize(asked({})).allowed, true);
  assert.equal(authorizer("user: bob").authorize(asked({})).allowed, true, "in YAML");
  assert.equal(authorizer(JSON.stringify(line)).authorize(asked({ user: anonymous })).allowed, false);
});

test("a user's rules are those of the policies about them", () => {
  const abac = authorizer(
    policy({ user: "bob", resource: "pods", namespace: "n", readonly: true }),
    policy({ user: "bob", resource: "*", namespace: "other", apiGroup: "*" }),
    policy({ user: "eve", resource: "*", namespace: "*", apiGroup: "*" }),
    policy({ group: "g", nonResourcePath: "/x", namespace: "*" }),
  );
  assert.deepEqual(abac.userRules(bob, "n"), {
    rules: [
      { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["pods"] },
      { verbs: ["*"], nonResourceURLs: ["/x"] },
    ],
  });
});

test("a line that is no policy is told with its number", () => {
  const typed = policy({ user: 5 });
  for (const [line, why] of [
    ['{"user":"a"', "couldn't get version/kind; json parse error: unexpected end of JSON input"],
    [
      '{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","spec":{"user":"bob"}}',
      "converting (v1beta1.Policy) to (v0.Policy): unknown conversion",
    ],
    [
      '{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":"x"}',
      "json: cannot unmarshal string into Go struct field Policy.spec of type v1beta1.PolicySpec",
    ],
    [
      '{"apiVersion":"v2"}',
      'no kind "Policy" is registered for version "v2" in scheme "pkg/runtime/scheme.go:111"',
    ],
    [
      '{"kind":"Pod"}',
      'no kind "Pod" is registered for version "abac.authorization.kubernetes.io/v0" in scheme "pkg/runtime/scheme.go:111"',
    ],
    ['{"apiVersion":"a/b/c"}', "unexpected GroupVersion string: a/b/c"],
    [
      '{"apiVersion":5}',
      "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .apiVersion of type string",
    ],
    [typed, "json: cannot unmarshal number into Go struct field PolicySpec.spec.user of type string"],
    ['{"user":5}', "json: cannot unmarshal number into Go struct field Policy.user of type string"],
    [
      '{"apiVersion":"v1","kind":"Pod"}',
      'no kind "Pod" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
    ],
  ] as const)
    assert.throws(() => readPolicies(`# c\n${line}`, "f"), {
      message: `error reading policy file f, line 2: ${line}: ${why}`,
    });
});
