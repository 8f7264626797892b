import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../../testing/index.ts";
import { PostStatusError } from "../../network/retries.ts";
import { WebhookTokens } from "./webhook-tokens.ts";

// biome-ignore lint: reviews are looked into freely
type Review = any;

function start(answer: (review: Review) => unknown, ttlMs = 120_000, version: "v1" | "v1beta1" = "v1beta1") {
  const clock = new FakeClock();
  const asked: Review[] = [];
  const tokens = new WebhookTokens({
    clock,
    random: () => 0,
    audiences: ["api"],
    version,
    ttlMs,
    url: () => "https://who.example/",
    async ask(review) {
      asked.push(review);
      const said = await answer(review);
      const body = Buffer.from(typeof said === "string" ? said : JSON.stringify(said));
      return { status: 200, contentType: "application/json", retryAfter: undefined, body };
    },
  });
  return { clock, asked, tokens };
}

const user = { username: "jane", uid: "7", groups: ["dev"], extra: { a: ["b"] } };
const review = (status: object) => ({
  kind: "TokenReview",
  apiVersion: "authentication.k8s.io/v1beta1",
  status,
});

test("a webhook says whose a token is, and its word is remembered for a while", async () => {
  const { clock, asked, tokens } = start(() => review({ authenticated: true, user }));
  const jane = {
    user: { name: "jane", uid: "7", groups: ["dev", "system:authenticated"], extra: { a: ["b"] } },
    audiences: ["api"],
  };
  assert.deepEqual(await Promise.all([tokens.verify("t"), tokens.verify("t")]), [jane, jane]);
  assert.deepEqual(asked, [
    {
      kind: "TokenReview",
      apiVersion: "authentication.k8s.io/v1beta1",
      metadata: {},
      spec: { token: "t", audiences: ["api"] },
      status: { user: {} },
    },
  ]);
  await clock.run(119_000);
  await tokens.verify("t");
  assert.equal(asked.length, 1);
  await tokens.verify("t", ["api", "other"]);
  assert.equal(asked.length, 2, "audiences are part of the question");
  await clock.run(1000);
  await tokens.verify("t");
  assert.equal(asked.length, 3);
});

test("null is as good as nothing in an answer", async () => {
  const said = { username: "jane", groups: null, extra: null };
  const { tokens } = start(() => review({ authenticated: true, error: null, audiences: null, user: said }));
  assert.deepEqual((await tokens.verify("t"))?.user, { name: "jane", groups: ["system:authenticated"] });
});

test("null in lists and extra is empty", async () => {
  const said = { username: "jane", groups: [null], extra: { a: null, b: [null] } };
  const { tokens } = start(() => review({ authenticated: true, audiences: [null, "api"], user: said }));
  assert.deepEqual(await tokens.verify("t"), {
    user: { name: "jane", groups: ["", "system:authenticated"], extra: { a: [], b: [""] } },
    audiences: ["api"],
  });
});

test("an answer may be YAML, and need not say what it is", async () => {
  const jane = { name: "jane", groups: ["system:authenticated"] };
  for (const answer of [
    { kind: "", apiVersion: "", status: { authenticated: true, user: { username: "jane" } } },
    { status: { authenticated: true, user: { username: "jane", surname: "doe" } } },
    "kind: TokenReview\nstatus:\n  authenticated: true\n  user:\n    username: jane\n",
  ]) {
    assert.deepEqual((await start(() => answer).tokens.verify("t"))?.user, jane, JSON.stringify(answer));
  }
});

test("a review of another version is not accepted", async () => {
  const answer = (version: string) => () => ({
    kind: "TokenReview",
    apiVersion: `authentication.k8s.io/${version}`,
    status: { authenticated: true, user },
  });
  const asked = (version: "v1" | "v1beta1", answered: string) =>
    start(answer(answered), 0, version).tokens.verify("t");
  assert.equal((await asked("v1", "v1"))?.user.name, "jane");
  for (const [version, answered] of [
    ["v1beta1", "v1"],
    ["v1", "v1beta1"],
  ] as const) {
    await assert.rejects(asked(version, answered), {
      reason: "Unauthorized",
      message: `converting (${answered}.TokenReview) to (${version}.TokenReview): unknown conversion`,
    });
  }
});

test("a token is for the audiences that the webhook names, else for this server", async () => {
  const { tokens } = start(({ spec }) =>
    review({ authenticated: true, user, ...(spec.token === "named" ? { audiences: ["x", "y"] } : {}) }),
  );
  assert.deepEqual((await tokens.verify("named", ["y", "api"]))?.audiences, ["y"]);
  assert.equal(await tokens.verify("named"), undefined);
  assert.deepEqual((await tokens.verify("plain", ["y", "api"]))?.audiences, ["api"]);
  assert.equal(await tokens.verify("plain", ["y"]), undefined);
});

test("nobody is not remembered as an error, what it says against a token is told", async () => {
  const { asked, tokens } = start(({ spec }) =>
    review({ authenticated: false, ...(spec.token === "bad" ? { error: "expired" } : {}) }),
  );
  assert.equal(await tokens.verify("t"), undefined);
  assert.equal(await tokens.verify("t"), undefined);
  assert.equal(asked.length, 1);
  await assert.rejects(tokens.verify("bad"), { reason: "Unauthorized", message: "expired" });
  await assert.rejects(tokens.verify("bad"), { reason: "Unauthorized", message: "expired" });
  assert.equal(asked.length, 3);
});

test("one that cannot answer for a moment is asked five times, and its failure is not remembered", async () => {
  let code = 500;
  const { clock, asked, tokens } = start(() => {
    throw new PostStatusError({
      status: code,
      contentType: undefined,
      retryAfter: undefined,
      body: Buffer.alloc(0),
    });
  });
  const failed = assert.rejects(tokens.verify("t"), {
    message: 'an error on the server ("") has prevented the request from succeeding',
  });
  await clock.run(60_000);
  await failed;
  assert.equal(asked.length, 5);
  code = 404;
  await assert.rejects(tokens.verify("t"), /^StatusError: the server could not find the requested resource$/);
  assert.equal(asked.length, 6);
});

test("what is no TokenReview is nobody's word", async () => {
  const unmarshal = "json: cannot unmarshal";
  const status = "Go struct field TokenReviewStatus.status";
  const member = "Go struct field UserInfo.status.user";
  for (const [answer, why] of [
    [[], /json parse error/],
    ["", /^0-length response with status code: 200 and content type: application\/json$/],
    [{ kind: "Pod", apiVersion: "v1" }, /\(v1.Pod\) to \(v1beta1.TokenReview\): unknown conversion/],
    [review({ authenticated: "yes" }), `${unmarshal} string into ${status}.authenticated of type bool`],
    [
      review({ authenticated: true, user: { username: 1 } }),
      `${unmarshal} number into ${member}.username of type string`,
    ],
    [
      review({ authenticated: true, user: { ...user, groups: "dev" } }),
      `${unmarshal} string into ${member}.groups of type []string`,
    ],
    [
      review({ authenticated: true, user: { ...user, extra: { a: "b" } } }),
      `${unmarshal} string into ${member}.extra of type v1beta1.ExtraValue`,
    ],
  ] as const)
    await assert.rejects(
      start(() => answer).tokens.verify("t"),
      { reason: "Unauthorized", message: why },
      JSON.stringify(answer),
    );
});
