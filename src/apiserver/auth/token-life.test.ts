import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../testing/index.ts";
import { type Harness, pod, startHarness } from "../testing/harness.ts";
import { type AuthOptions, createAuth } from "./auth.ts";

const pem = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();
const account = "/api/v1/namespaces/default/serviceaccounts";

type More = Partial<AuthOptions>;

/** A server with an account; `other` has the same key and other settings. */
async function serving(t: TestContext, more: More): Promise<Harness> {
  const { special, documents } = createAuth({ clock: new FakeClock(), serviceAccountKeys: [pem], ...more });
  const authenticator = createAuth({
    clock: new FakeClock(),
    serviceAccountKeys: [pem],
    ...more,
  }).authenticator;
  const h = await startHarness({
    special,
    documents,
    authenticator: {
      attach: (objects) => authenticator.attach?.(objects),
      authenticate: () => ({ name: "admin", groups: ["system:masters"] }),
    },
  });
  t.after(() => h.close());
  await h.call("POST", account, { metadata: { name: "a" } });
  return h;
}

// biome-ignore lint: tokens are looked into freely
const claimsOf = (token: string): any =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

const asked = (h: Harness, spec: object) => h.call("POST", `${account}/a/token`, { spec });

test("the first issuer stands in tokens; all of them are whom tokens are for, unless audiences are named", async (t) => {
  const two = await serving(t, { issuers: ["https://new", "https://old"] });
  const { iss, aud } = claimsOf((await asked(two, {})).body.status.token);
  assert.deepEqual([iss, aud], ["https://new", ["https://new", "https://old"]]);
  const published = (await two.call("GET", "/.well-known/openid-configuration")).body;
  assert.deepEqual([published.issuer, published.jwks_uri], ["https://new", "https://new/openid/v1/jwks"]);
  const named = await serving(t, { issuers: ["https://new"], audiences: ["api"], jwksUri: "https://keys" });
  assert.deepEqual(claimsOf((await asked(named, {})).body.status.token).aud, ["api"]);
  const { jwks_uri } = (await named.call("GET", "/.well-known/openid-configuration")).body;
  assert.equal(jwks_uri, "https://keys");
});

test("who asks for a longer life than tokens have is told so", async (t) => {
  const h = await serving(t, { tokenLife: { maxSeconds: 3600 } });
  const long = await asked(h, { expirationSeconds: 7200 });
  const { exp, iat } = claimsOf(long.body.status.token);
  assert.deepEqual([exp - iat, long.body.spec.expirationSeconds], [3600, 3600]);
  assert.equal(
    long.headers["warning"],
    '299 - "requested expiration of 7200 seconds shortened to 3600 seconds"',
  );
  const short = await asked(h, { expirationSeconds: 1200 });
  assert.deepEqual([short.body.spec.expirationSeconds, short.headers["warning"]], [1200, undefined]);
});

test("pods' tokens are good for a year, unless they are not to be", async (t) => {
  const life = async (more: More): Promise<number> => {
    const h = await serving(t, more);
    const given = pod("p") as { spec?: object };
    const made = await h.call("POST", "/api/v1/namespaces/default/pods", {
      ...given,
      spec: { ...given.spec, serviceAccountName: "a" },
    });
    assert.equal(made.status, 201, made.text);
    const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "p" };
    const { exp, iat } = claimsOf(
      (await asked(h, { expirationSeconds: 3607, boundObjectRef })).body.status.token,
    );
    return exp - iat;
  };
  assert.equal(await life({}), 365 * 24 * 3600);
  assert.equal(await life({ tokenLife: { extend: false } }), 3607);
});
