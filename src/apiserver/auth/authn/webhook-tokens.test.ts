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
    async post(review) {
      asked.push(review);
      return Buffer.from(JSON.stringify(await answer(review)));
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
  const { tokens } = start(() =>
    review({
      authenticated: true,
      error: null,
      audiences: null,
      user: { username: "jane", groups: null, extra: null },
    }),
  );
  assert.deepEqual((await tokens.verify("t"))?.user, { name: "jane", groups: ["system:authenticated"] });
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
    message: "token webhook: the webhook answered with status 500",
  });
  await clock.run(60_000);
  await failed;
  assert.equal(asked.length, 5);
  code = 404;
  await assert.rejects(tokens.verify("t"), /status 404/);
  assert.equal(asked.length, 6);
});

test("what is no TokenReview is nobody's word", async () => {
  for (const answer of [
    [],
    { kind: "Pod" },
    review({ authenticated: "yes" }),
    review({ authenticated: true, user: { username: 1 } }),
    review({ authenticated: true, user: { ...user, groups: "dev" } }),
    review({ authenticated: true, user: { ...user, extra: { a: "b" } } }),
  ])
    await assert.rejects(
      start(() => answer).tokens.verify("t"),
      { reason: "Unauthorized" },
      JSON.stringify(answer),
    );
});
