import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { FakeClock } from "../../testing/index.ts";
import { signingKey } from "../auth/authn/jwt.ts";
import { CredentialAuthenticator } from "../auth/authn/credential-authenticator.ts";
import { Impersonation } from "../auth/authn/impersonation.ts";
import { ServiceAccountTokens } from "../auth/authn/service-account-tokens.ts";
import { TokenUnion } from "../auth/authn/token-union.ts";
import type { AuthorizationAttributes, ObjectReader } from "../auth-contract.ts";
import { clientCert } from "../testing/certificates.ts";
import { AuthMetrics } from "./auth.ts";
import { ImpersonationMetrics } from "./impersonation.ts";
import { MetricsRegistry } from "./registry.ts";

/** Lines that begin with one of these, but for buckets and times. */
async function counted(registry: MetricsRegistry, ...names: string[]): Promise<string[]> {
  const lines = (await registry.text()).split("\n");
  return lines.filter((line) => names.some((name) => line.startsWith(name)) && !/_bucket|_sum/.test(line));
}

const account = { name: "robot", uid: "u1" };

/** Tokens of one account, and a Secret with a token without an end. */
function tokensOf() {
  const registry = new MetricsRegistry();
  const clock = new FakeClock();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const tokens = new ServiceAccountTokens({
    issuer: "me",
    keys: [signingKey(privateKey)],
    clock,
    uuid: () => "id",
  });
  const secret = { metadata: { name: "s", uid: "s1", labels: {} }, data: { token: "" } };
  const owner = { metadata: account, secrets: [] as { name: string }[] };
  const objects = { get: (_group: string, kind: string) => (kind === "secrets" ? secret : owner) };
  tokens.attach(objects as unknown as ObjectReader, new AuthMetrics(registry));
  return { registry, clock, tokens, secret, owner };
}

test("tokens of accounts count by whether they were renewed in time, and signatures by whether they are known", async () => {
  const { registry, clock, tokens } = tokensOf();
  const spec = { namespace: "n", account, audiences: ["me"], seconds: 3600 };
  const token = tokens.issue({ ...spec, warnAfterSeconds: 60 });
  tokens.verify(token);
  tokens.verify(token);
  clock.advance(61_000);
  tokens.verify(token);
  // Nobody said when it should be renewed.
  tokens.verify(tokens.issue({ ...spec, seconds: 3000 }));
  assert.throws(() => tokens.verify(`${token.slice(0, -8)}AAAAAAAA`), { reason: "Unauthorized" });
  assert.deepEqual(
    await counted(registry, "authentication_token", "serviceaccount_valid", "serviceaccount_stale"),
    [
      'authentication_token_cache_fetch_total{status="error"} 1',
      'authentication_token_cache_fetch_total{status="ok"} 2',
      'authentication_token_cache_request_total{status="hit"} 2',
      'authentication_token_cache_request_total{status="miss"} 3',
      "serviceaccount_stale_tokens_total 1",
      "serviceaccount_valid_tokens_total 2",
    ],
  );
});

test("tokens without an end count by who wanted them, and are refused when they are marked as invalid", async () => {
  const { registry, tokens, secret, owner } = tokensOf();
  const token = tokens.issueLegacy("n", account, "s");
  secret.data.token = Buffer.from(token).toString("base64");
  tokens.verify(token);
  owner.secrets.push({ name: "s" });
  tokens.verify(token);
  secret.metadata.labels = { "kubernetes.io/legacy-token-invalid-since": "2026-01-01" };
  assert.throws(
    () => tokens.verify(token),
    /the token in secret n\/s for service account n\/robot has been marked invalid/,
  );
  assert.deepEqual(await counted(registry, "serviceaccount_legacy", "serviceaccount_invalid"), [
    "serviceaccount_invalid_legacy_auto_token_uses_total 1",
    "serviceaccount_legacy_auto_token_uses_total 1",
    "serviceaccount_legacy_manual_token_uses_total 1",
    "serviceaccount_legacy_tokens_total 2",
  ]);
});

test("certificates that are shown count by how long they are still good", async () => {
  const registry = new MetricsRegistry();
  const { raw, validTo } = new X509Certificate(clientCert);
  let now = Date.parse(validTo) - 5000_000;
  const authenticator = new CredentialAuthenticator({ tokens: new TokenUnion([]), now: () => now });
  authenticator.attach({} as ObjectReader, new AuthMetrics(registry));
  const certificate = { commonName: "alice", organizations: [], fingerprint: "f", der: raw };
  const ask = () => authenticator.authenticate({ headers: {}, peer: { address: "", certificate } });
  await ask();
  now += 4000_000;
  await ask();
  const lines = (await registry.text()).split("\n");
  const within = (bound: string) =>
    lines.find((line) =>
      line.startsWith(`apiserver_client_certificate_expiration_seconds_bucket{le="${bound}"}`),
    );
  for (const [bound, count] of Object.entries({ 0: 0, 1800: 1, 3600: 1, 7200: 2, "+Inf": 2 }))
    assert.equal(within(bound)?.split(" ")[1], String(count), bound);
});

test("who acts as somebody else: attempts by the way that was open, and every question that was asked for it", async () => {
  const registry = new MetricsRegistry();
  let now = 0;
  const watch = { now: () => (now += 3), meters: new ImpersonationMetrics(registry) };
  const may = new Set(["impersonate users bob"]);
  const impersonation = new Impersonation(
    {
      authorize: ({ verb, resource, name }) => ({
        allowed: may.has(`${verb} ${resource} ${name}`),
        reason: "",
      }),
    },
    watch,
  );
  const request = {
    user: { name: "alice", groups: [] },
    verb: "list",
    resource: "pods",
  } as unknown as AuthorizationAttributes;
  const wanted = { name: "bob", uid: "", groups: [], extra: {} };
  await impersonation.actAs(wanted, request);
  may.clear();
  await assert.rejects(impersonation.actAs(wanted, request), { reason: "Forbidden" });
  const prefix = "apiserver_impersonation_";
  assert.deepEqual(await counted(registry, prefix), [
    `${prefix}attempts_duration_seconds_count{decision="allowed",mode="legacy"} 1`,
    `${prefix}attempts_duration_seconds_count{decision="denied",mode=""} 1`,
    `${prefix}attempts_total{decision="allowed",mode="legacy"} 1`,
    `${prefix}attempts_total{decision="denied",mode=""} 1`,
    `${prefix}authorization_attempts_duration_seconds_count{decision="allowed",mode="legacy"} 1`,
    `${prefix}authorization_attempts_duration_seconds_count{decision="denied",mode="legacy"} 1`,
    `${prefix}authorization_attempts_duration_seconds_count{decision="denied",mode="user-info"} 2`,
    `${prefix}authorization_attempts_total{decision="allowed",mode="legacy"} 1`,
    `${prefix}authorization_attempts_total{decision="denied",mode="legacy"} 1`,
    `${prefix}authorization_attempts_total{decision="denied",mode="user-info"} 2`,
  ]);
});
