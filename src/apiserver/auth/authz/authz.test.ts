import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../testing/index.ts";
import type { AuthorizationAttributes, Authorizer } from "../../auth-contract.ts";
import { AuthMetrics } from "../../metrics/auth.ts";
import { AuthorizationWebhookMetrics } from "../../metrics/authorization-webhooks.ts";
import { MetricsRegistry } from "../../metrics/registry.ts";
import { PostStatusError } from "../../network/retries.ts";
import { RbacAuthorizer } from "../rbac/rbac-authorizer.ts";
import { AuthorizerChain } from "./chain.ts";
import { expressionCompiler } from "../expressions.ts";
import {
  type AuthorizerConfig,
  authorizerProblems,
  readAuthorizationConfig,
  type WebhookConfig,
} from "./config.ts";
import { WebhookAuthorizer } from "./webhook-authorizer.ts";

const request: AuthorizationAttributes = {
  user: { name: "bob", groups: ["g"], uid: "7", extra: { a: ["b"] } },
  verb: "list",
  apiGroup: "apps",
  apiVersion: "v1",
  resource: "deployments",
  subresource: "",
  namespace: "n",
  name: "",
  path: "",
  isResource: true,
  labelSelector: "a=b,!c",
};

const usual: WebhookConfig = {
  timeout: "3s",
  authorizedTTL: "5m",
  unauthorizedTTL: "30s",
  subjectAccessReviewVersion: "v1",
  failurePolicy: "NoOpinion",
  connectionInfo: { type: "KubeConfigFile", kubeConfigFile: "/x" },
};

const compile = await expressionCompiler();

function webhook(config: Partial<WebhookConfig>, answer: () => unknown) {
  const clock = new FakeClock();
  const registry = new MetricsRegistry();
  const meters = new AuthorizationWebhookMetrics(registry);
  const asked: { spec: Record<string, unknown>; apiVersion: string }[] = [];
  const authorizer = new WebhookAuthorizer(
    { ...usual, ...config },
    {
      name: "w",
      clock,
      meters: () => meters,
      compile,
      random: () => 0.5,
      ask: async (review) => {
        asked.push(review as (typeof asked)[0]);
        return answer();
      },
    },
  );
  /** The metrics, without durations. */
  const counted = async () =>
    (await registry.text())
      .split("\n")
      .filter((each) => /^apiserver_/.test(each) && !/_bucket|_sum/.test(each));
  return { authorizer, asked, clock, counted };
}

test("a webhook is asked what is to be done, and its answer is remembered for its time", async () => {
  const { authorizer, asked, clock } = webhook({}, () => ({ status: { allowed: true, reason: "why not" } }));
  assert.deepEqual(await authorizer.authorize(request), { allowed: true, reason: "why not" });
  assert.deepEqual(asked[0]?.spec, {
    resourceAttributes: {
      namespace: "n",
      verb: "list",
      group: "apps",
      version: "v1",
      resource: "deployments",
      labelSelector: {
        requirements: [
          { key: "a", operator: "In", values: ["b"] },
          { key: "c", operator: "DoesNotExist" },
        ],
      },
    },
    user: "bob",
    groups: ["g"],
    extra: { a: ["b"] },
    uid: "7",
  });
  await authorizer.authorize(request);
  assert.equal(asked.length, 1);
  clock.advance(300_000);
  await authorizer.authorize(request);
  assert.equal(asked.length, 2);
});

test("a webhook that fails has no opinion, or denies, as it is told", async () => {
  const broken = () => {
    throw new Error("down");
  };
  const failed = { allowed: false, reason: "", error: "down" };
  assert.deepEqual(await webhook({}, broken).authorizer.authorize(request), failed);
  assert.deepEqual(await webhook({ failurePolicy: "Deny" }, broken).authorizer.authorize(request), {
    ...failed,
    denied: true,
  });
});

test("an answer has to be of the kind that was asked for, with members of the right types", async () => {
  const said = async (answer: unknown) => {
    const { allowed, denied, error } = await webhook({}, () => answer).authorizer.authorize(request);
    return error ?? (denied ? "denied" : allowed ? "allowed" : "no opinion");
  };
  const unmarshal = "json: cannot unmarshal";
  const about = { kind: "SubjectAccessReview", apiVersion: "authorization.k8s.io/v1" };
  const status = { allowed: true };
  for (const [answer, expected] of [
    [{ ...about, status }, "allowed"],
    [{ status }, "allowed"],
    [{ apiVersion: null, status: { ...status, denied: null, reason: null } }, "allowed"],
    [{}, "no opinion"],
    [{ status: null }, "no opinion"],
    [{ status: { denied: true } }, "denied"],
    [
      { status: { allowed: true, denied: true } },
      "webhook subject access review returned both allow and deny response",
    ],
    [
      { status: { allowed: "false" } },
      `${unmarshal} string into Go struct field SubjectAccessReviewStatus.status.allowed of type bool`,
    ],
    [
      { status: { allowed: {} } },
      `${unmarshal} object into Go struct field SubjectAccessReviewStatus.status.allowed of type bool`,
    ],
    [
      { status: "x" },
      `${unmarshal} string into Go struct field SubjectAccessReview.status of type v1.SubjectAccessReviewStatus`,
    ],
    [
      { ...about, apiVersion: "authorization.k8s.io/v1beta1", status },
      "converting (v1beta1.SubjectAccessReview) to (v1.SubjectAccessReview): unknown conversion",
    ],
    [
      { kind: "Pod", apiVersion: "v1", status },
      "converting (v1.Pod) to (v1.SubjectAccessReview): unknown conversion",
    ],
    [
      { kind: "SubjectAccessReview", apiVersion: "v2", status },
      'no kind "SubjectAccessReview" is registered for version "v2" in scheme "pkg/runtime/scheme.go:111"',
    ],
  ] as const)
    assert.equal(await said(answer), expected, JSON.stringify(answer));
});

const answered = (status: number) => ({
  status,
  contentType: undefined,
  retryAfter: undefined,
  body: Buffer.alloc(0),
});

test("a webhook that cannot answer for a moment is asked again, five times at most", async () => {
  let left = 2;
  const busy = webhook({}, () => {
    if (left-- > 0) throw new PostStatusError(answered(500));
    return { status: { allowed: true } };
  });
  const answer = busy.authorizer.authorize(request);
  for (const [ms, asked] of [
    [549, 1],
    [1, 2],
    [824, 2],
    [1, 3],
  ] as const) {
    await busy.clock.run(ms);
    assert.equal(busy.asked.length, asked);
  }
  assert.equal((await answer).allowed, true);
  assert.deepEqual((await busy.counted()).slice(-2), [
    'apiserver_authorization_webhook_evaluations_total{name="w",result="error"} 2',
    'apiserver_authorization_webhook_evaluations_total{name="w",result="success"} 1',
  ]);
  for (const error of [
    new PostStatusError({ ...answered(503), retryAfter: 1 }),
    Object.assign(new Error("reset"), { code: "ECONNRESET" }),
  ]) {
    const down = webhook({}, () => {
      throw error;
    });
    const failed = down.authorizer.authorize(request);
    await down.clock.run(60_000);
    await failed;
    assert.equal(down.asked.length, 5);
    assert.match((await down.counted()).join("\n"), /fail_open_total\{name="w",result="error"\} 1/);
  }
  const wrong = webhook({}, () => {
    throw new PostStatusError(answered(404));
  });
  await wrong.authorizer.authorize(request);
  assert.equal(wrong.asked.length, 1);
});

test("a webhook is not asked what does not concern it", async () => {
  const matchConditions = [{ expression: "request.user == 'eve'" }];
  const { authorizer, asked } = webhook({ matchConditions }, () => ({ status: { denied: true } }));
  assert.deepEqual(await authorizer.authorize(request), { allowed: false, reason: "" });
  assert.equal(asked.length, 0);
  assert.equal((await authorizer.authorize({ ...request, user: { name: "eve", groups: [] } })).denied, true);
  const throws = [{ expression: "request.nonResourceAttributes.path == '/x'" }];
  const failing = webhook({ matchConditions: throws, failurePolicy: "Deny" }, () => ({}));
  assert.equal((await failing.authorizer.authorize(request)).denied, true);
});

test("conditions see every text of a review, and what is asked with selectors", async () => {
  for (const [expression, concerned] of [
    ["request.uid == '' && request.groups == [] && request.extra == {}", true],
    ["has(request.nonResourceAttributes)", false],
    ["request.resourceAttributes.subresource == ''", true],
    ["has(request.resourceAttributes.labelSelector)", true],
    ["request.resourceAttributes.labelSelector.requirements[0].values == ['b']", true],
    ["has(request.resourceAttributes.fieldSelector)", false],
  ] as const) {
    const { authorizer, asked } = webhook({ matchConditions: [{ expression }] }, () => ({ status: {} }));
    await authorizer.authorize({ ...request, user: { name: "bob", groups: [] }, labelSelector: "a=b" });
    assert.equal(asked.length === 1, concerned, expression);
  }
});

test("webhooks count what they answer, how often they are passed over and what does not concern them", async () => {
  const prefix = "apiserver_authorization_";
  const good = webhook({}, () => ({ status: { allowed: true } }));
  for (let i = 0; i < 2; i++) await good.authorizer.authorize(request);
  // Cached answers make no calls.
  assert.deepEqual(await good.counted(), [
    `${prefix}webhook_duration_seconds_count{name="w",result="success"} 1`,
    `${prefix}webhook_evaluations_total{name="w",result="success"} 1`,
  ]);
  const late = new Error("aborted", { cause: new DOMException("late", "TimeoutError") });
  const slow = webhook({}, () => {
    throw late;
  });
  await slow.authorizer.authorize(request);
  assert.deepEqual(await slow.counted(), [
    `${prefix}webhook_duration_seconds_count{name="w",result="timeout"} 1`,
    `${prefix}webhook_evaluations_fail_open_total{name="w",result="timeout"} 1`,
    `${prefix}webhook_evaluations_total{name="w",result="timeout"} 1`,
  ]);
  const closed = webhook({ failurePolicy: "Deny" }, () => "nonsense");
  await closed.authorizer.authorize(request);
  assert.deepEqual(await closed.counted(), [
    `${prefix}webhook_duration_seconds_count{name="w",result="error"} 1`,
    `${prefix}webhook_evaluations_total{name="w",result="error"} 1`,
  ]);
  const matchConditions = ["request.nonResourceAttributes.path == '/x'", "request.user == 'eve'"].map(
    (expression) => ({
      expression,
    }),
  );
  const other = webhook({ matchConditions }, () => ({ status: {} }));
  await other.authorizer.authorize(request);
  assert.deepEqual(await other.counted(), [
    `${prefix}match_condition_evaluation_errors_total{name="w",type="Webhook"} 1`,
    `${prefix}match_condition_evaluation_seconds_count{name="w",type="Webhook"} 1`,
    `${prefix}match_condition_exclusions_total{name="w",type="Webhook"} 1`,
  ]);
});

test("what a user may do is listed by all who can list it, and it is said who cannot", () => {
  const chain = new AuthorizerChain(new RbacAuthorizer());
  const node = { name: "system:node:n", groups: ["system:nodes"] };
  const unlisted = (who: string) => `${who} authorizer does not support user rule resolution`;
  assert.deepEqual(chain.userRules(request.user, "n"), { rules: [], incomplete: false, problems: [] });
  assert.deepEqual(chain.userRules(node, "n"), { rules: [], incomplete: true, problems: [unlisted("node")] });
  const { authorizer } = webhook({}, () => ({}));
  chain.use([
    { type: "Webhook", name: "w", authorizer },
    { type: "AlwaysDeny", name: "none" },
    { type: "AlwaysAllow", name: "all" },
  ]);
  assert.deepEqual(chain.userRules(request.user, "n"), {
    rules: [
      { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
      { verbs: ["*"], nonResourceURLs: ["*"] },
    ],
    incomplete: true,
    problems: [unlisted("webhook")],
  });
});

test("one after the other is asked until one allows or denies; the masters are not asked about", async () => {
  const says = (reason: string, more: object = {}): Authorizer => ({
    authorize: async () => ({ allowed: false, reason, ...more }),
  });
  const webhook = (name: string, authorizer: Authorizer) =>
    ({ type: "Webhook", name, authorizer: { ...authorizer, userRules: () => ({ rules: [] }) } }) as const;
  const registry = new MetricsRegistry();
  const chain = new AuthorizerChain(new RbacAuthorizer());
  const objects = { get: () => undefined, list: () => [], onChange: () => () => {} };
  chain.attach(objects, new AuthMetrics(registry));
  chain.use([
    webhook("w", says("a")),
    webhook("v", { authorize: () => ({ allowed: false, reason: "b" }) }),
    webhook("u", says("")),
  ]);
  assert.deepEqual(await chain.authorize(request), { allowed: false, reason: "a\nb" });
  const failing = [webhook("w", says("", { error: "down" })), webhook("v", says("b", { error: "out" }))];
  chain.use(failing);
  assert.deepEqual(await chain.authorize(request), { allowed: false, reason: "b", error: "[down, out]" });
  chain.use([...failing.slice(0, 1), { type: "AlwaysDeny", name: "none" }]);
  assert.equal((await chain.authorize(request)).error, "down");
  chain.use([webhook("w", says("no", { denied: true })), { type: "AlwaysAllow", name: "all" }]);
  assert.equal((await chain.authorize(request)).allowed, false);
  chain.use([webhook("w", says("a")), { type: "AlwaysAllow", name: "all" }]);
  assert.equal((await chain.authorize(request)).allowed, true);
  chain.use([{ type: "AlwaysDeny", name: "none" }]);
  assert.equal((await chain.authorize(request)).allowed, false);
  assert.equal(
    (await chain.authorize({ ...request, user: { name: "x", groups: ["system:masters"] } })).allowed,
    true,
  );
  // Only final decisions count, by authorizer; system:masters need none.
  const lines = (await registry.text()).split("\n");
  assert.deepEqual(
    lines.filter((line) => line.startsWith("apiserver_authorization_decisions_total")),
    [
      'apiserver_authorization_decisions_total{decision="allowed",name="all",type="AlwaysAllow"} 1',
      'apiserver_authorization_decisions_total{decision="denied",name="w",type="Webhook"} 1',
    ],
  );
});

test("ABAC in a configuration has the policies of its file, which is read only then", () => {
  const scope = { apiGroup: "*", resource: "*", namespace: "*", nonResourcePath: "" };
  const policy = { user: "bob", group: "", readonly: false, ...scope };
  const read = (authorizers: object[], policies: () => readonly (typeof policy)[]) =>
    readAuthorizationConfig(
      { kind: "AuthorizationConfiguration", apiVersion: "apiserver.config.k8s.io/v1", authorizers },
      compile,
      policies,
    );
  const abac = { type: "ABAC", name: "abac" };
  assert.deepEqual(
    read([abac], () => [policy]),
    [{ ...abac, policies: [policy] }],
  );
  const missing = () => {
    throw new Error("ENOENT");
  };
  assert.throws(() => read([abac], missing), /ENOENT/);
  assert.equal(read([{ type: "RBAC", name: "rbac" }], missing).length, 1);
  const misnamed = [
    { type: "RBAC", name: "a" },
    { type: "Node", name: "b" },
  ];
  assert.throws(() => read(misnamed, missing), {
    message:
      "[expected name rbac for authorizer RBAC instead of a, expected name node for authorizer Node instead of b]",
  });
});

test("the times of answers have defaults in a file, where they are absent or 0", () => {
  const { authorizedTTL: _, unauthorizedTTL: __, ...timeless } = usual;
  const read = (times: object) => {
    const authorizers = [{ type: "Webhook", name: "w", webhook: { ...timeless, ...times } }];
    const value = {
      kind: "AuthorizationConfiguration",
      apiVersion: "apiserver.config.k8s.io/v1",
      authorizers,
    };
    const [only] = readAuthorizationConfig(value, compile, () => []);
    return [only?.webhook?.authorizedTTL, only?.webhook?.unauthorizedTTL];
  };
  assert.deepEqual(read({}), ["5m0s", "30s"]);
  assert.deepEqual(read({ authorizedTTL: "0s", unauthorizedTTL: "7s" }), ["5m0s", "7s"]);
  assert.deepEqual(read({ authorizedTTL: "1h", unauthorizedTTL: "0s" }), ["1h", "30s"]);
  assert.throws(() => read({ authorizedTTL: "-1s" }), {
    message: 'authorizers[0].authorizedTTL: Invalid value: "-1s": must be > 0s',
  });
});

test("mistakes of a configuration are told all at once", () => {
  const texts = (authorizers: object[]): string[] =>
    authorizerProblems(authorizers as AuthorizerConfig[], compile).map(
      (each) => `${each.field}: ${each.message}`,
    );
  assert.deepEqual(texts([]), [
    "authorizers: Required value: at least one authorization mode must be defined",
  ]);
  assert.deepEqual(
    texts([
      { type: "Node", name: "node" },
      { type: "RBAC", name: "rbac" },
      { type: "Webhook", name: "w", webhook: usual },
    ]),
    [],
  );
  const found = texts([
    { type: "RBAC", name: "a" },
    { type: "RBAC", name: "b" },
    { type: "Odd", name: "c" },
    {
      type: "Webhook",
      name: "a",
      webhook: {
        ...usual,
        timeout: "1m",
        failurePolicy: "",
        connectionInfo: { type: "KubeConfigFile", kubeConfigFile: "x" },
        matchConditionSubjectAccessReviewVersion: "v1",
        matchConditions: [
          { expression: " " },
          { expression: "request.user" },
          { expression: "request.user" },
        ],
      },
    },
    { type: "Webhook", name: "d" },
  ]);
  assert.deepEqual(found, [
    'authorizers[1].type: Duplicate value: "RBAC"',
    'authorizers[2].type: Unsupported value: "Odd": supported values: "ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"',
    'authorizers[3].name: Duplicate value: "a"',
    'authorizers[3].timeout: Invalid value: "1m": must be > 0s and <= 30s',
    "authorizers[3].failurePolicy: Required value",
    'authorizers[3].connectionInfo.kubeConfigFile: Invalid value: "x": must be an absolute path',
    "authorizers[3].matchConditions[0].expression: Required value",
    'authorizers[3].matchConditions[1].expression: Invalid value: "request.user": must evaluate to bool but got string',
    'authorizers[3].matchConditions[2].expression: Duplicate value: "request.user"',
    "authorizers[4].webhook: Required value: required when type=Webhook",
  ]);
});
