import assert from "node:assert/strict";
import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { AuthMetrics } from "../../../metrics/auth.ts";
import { MetricsRegistry } from "../../../metrics/registry.ts";
import { FakeClock } from "../../../../testing/index.ts";
import { expressionCompiler } from "../../expressions.ts";
import { configProblems, type JwtAuthenticatorConfig } from "./config.ts";
import { JwtTokens } from "./jwt-tokens.ts";

const issuerUrl = "https://issuer.example.com/a";

const compile = await expressionCompiler();

const usual: JwtAuthenticatorConfig = {
  issuer: { url: issuerUrl, audiences: ["wherry", "other"], audienceMatchPolicy: "MatchAny" },
  claimMappings: { username: { claim: "sub", prefix: "oidc:" }, groups: { claim: "groups", prefix: "g:" } },
};

interface Signer {
  kid: string;
  alg: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

const signer = (kid: string, alg: "RS256" | "ES256" = "ES256"): Signer => {
  const { privateKey, publicKey } =
    alg === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { kid, alg, privateKey, publicKey };
};

/** An issuer whose keys can be changed. */
function issuer(
  keys: Signer[],
  config: Partial<JwtAuthenticatorConfig> = {},
  algorithms?: readonly string[],
) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const state = { keys };
  const registry = new MetricsRegistry();
  const meters = new AuthMetrics(registry);
  const tokens = new JwtTokens({
    meters: () => meters,
    config: { ...usual, ...config },
    compile,
    clock,
    algorithms,
    async fetchJson(url) {
      asked.push(url);
      if (url === `${issuerUrl}/.well-known/openid-configuration`) {
        return { issuer: issuerUrl, jwks_uri: "https://issuer.example.com/keys" };
      }
      return {
        keys: state.keys.map(({ kid, alg, publicKey }) => ({
          ...publicKey.export({ format: "jwk" }),
          kid,
          alg,
          use: "sig",
        })),
      };
    },
  });
  const now = Math.floor(clock.now() / 1000);
  const make = (by: Signer, claims: object = {}, header: object = {}): string => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${encode({ alg: by.alg, kid: by.kid, ...header })}.${encode({ iss: issuerUrl, aud: "wherry", sub: "bob", exp: now + 60, ...claims })}`;
    return `${text}.${sign("sha256", Buffer.from(text), { key: by.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
  };
  return {
    clock,
    registry,
    asked,
    state,
    now,
    make,
    verify: async (token: string) => (await tokens.verify(token))?.user,
  };
}

test("claims become a user; keys are fetched once, and again when a new one signs", async () => {
  const first = signer("a");
  const { verify, make, asked, state, clock } = issuer([first, signer("r", "RS256")]);
  assert.deepEqual(await verify(make(first, { groups: ["x", "y"] })), {
    name: "oidc:bob",
    groups: ["g:x", "g:y", "system:authenticated"],
  });
  assert.equal((await verify(make(first, { groups: "one", aud: ["x", "other"] })))?.groups[0], "g:one");
  assert.equal((await verify(make(state.keys[1] as Signer)))?.name, "oidc:bob");
  assert.equal(asked.length, 2);
  const rotated = signer("b");
  state.keys = [rotated];
  await assert.rejects(() => verify(make(rotated)), /failed to verify signature/);
  clock.advance(10_000);
  assert.equal((await verify(make(rotated)))?.name, "oidc:bob");
});

test("tokens that are looked at count by issuer and result, and those that are remembered do not", async () => {
  const by = signer("a");
  const { verify, make, registry } = issuer([by]);
  const token = make(by);
  await verify(token);
  await verify(token);
  await assert.rejects(verify(make(by, { aud: "others" })));
  const hash = createHash("sha256").update(issuerUrl).digest("hex");
  const line = (result: string): string =>
    `apiserver_authentication_jwt_authenticator_latency_seconds_count{jwt_issuer_hash="sha256:${hash}",result="${result}"} 1\n`;
  const text = await registry.text();
  assert.ok(text.includes(line("success")) && text.includes(line("failure")), text);
});

test("tokens that are not for us, over, or not the issuer's are refused", async () => {
  const key = signer("a");
  const { verify, make, now } = issuer([key]);
  await assert.rejects(() => verify(make(key, { aud: "x" })), /expected audience in/);
  await assert.rejects(() => verify(make(key, { exp: now - 1 })), /token is expired/);
  await assert.rejects(() => verify(make(key, { exp: undefined })), /token is expired/);
  await assert.rejects(() => verify(make(key, { nbf: now + 61 })), /before the nbf/);
  await assert.rejects(() => verify(make(signer("a"))), /failed to verify signature/);
  for (const alg of ["none", "HS256", "RS256"]) {
    await assert.rejects(() => verify(make(key, {}, { alg })), /failed to verify signature/, alg);
  }
  await assert.rejects(() => verify(make(key, { sub: 5 })), /failed to unmarshal claims/);
  assert.equal(await verify(make(key, { iss: "https://elsewhere" })), undefined);
  assert.equal(await verify("nonsense"), undefined);
});

test("claims that every token has must be of their types, be they used or not", async () => {
  const key = signer("a");
  const { verify, make, now } = issuer([key], {
    claimMappings: { username: { claim: "name", prefix: "" }, groups: { claim: "groups", prefix: "g:" } },
  });
  const nameOf = async (claims: object) => (await verify(make(key, { name: "bob", ...claims })))?.name;
  for (const [name, values] of Object.entries({
    sub: [5, {}],
    nonce: [1],
    aud: [["wherry", 5], 5],
    exp: ["soon", "", null, [], `${now + 60} `],
    nbf: ["x", {}, true],
    iat: ["x", null, ""],
    _claim_names: [5, { groups: 5 }, { groups: "" }, { groups: "nowhere" }],
    _claim_sources: [[], { s: { endpoint: 5 } }],
  }))
    for (const value of values)
      await assert.rejects(nameOf({ [name]: value }), /^StatusError: oidc: verify token: oidc: /, name);
  for (const claims of [
    { exp: `${now + 60}` },
    { exp: `${now + 60}.5e0`, iat: "1", nbf: now + 60 },
    { sub: null, nonce: null, nbf: null, aud: ["wherry", null] },
  ])
    assert.equal(await nameOf(claims), "bob", JSON.stringify(claims));
});

test("groups that another server would have to be asked for let a token be refused", async () => {
  const key = signer("a");
  const { verify, make } = issuer([key]);
  const _claim_names = { groups: "s" };
  const elsewhere = { _claim_names, _claim_sources: { s: { endpoint: "https://elsewhere" } } };
  await assert.rejects(verify(make(key, elsewhere)), /could not expand distributed claims/);
  assert.deepEqual((await verify(make(key, { ...elsewhere, groups: ["x"] })))?.groups[0], "g:x");
  const others = { _claim_names: { roles: "s" }, _claim_sources: elsewhere._claim_sources };
  assert.deepEqual((await verify(make(key, others)))?.groups, ["system:authenticated"]);
});

test("groups of a claim count as they are, empty ones too", async () => {
  const key = signer("a");
  const { verify, make } = issuer([key]);
  const groupsOf = async (groups: unknown) => (await verify(make(key, { groups })))?.groups.slice(0, -1);
  assert.deepEqual(await groupsOf(["x", "", null]), ["g:x", "g:", "g:"]);
  assert.deepEqual(await groupsOf(""), ["g:"]);
  assert.deepEqual(await groupsOf([]), []);
  assert.deepEqual(await groupsOf(null), []);
  await assert.rejects(groupsOf(["x", 5]), /parse groups claim/);
});

test("what a header says must be understood; what a key is said to be for does not count", async () => {
  const [elliptic, rsa] = [signer("e"), signer("r", "RS256")];
  const { verify, make } = issuer([elliptic, rsa]);
  for (const crit of [["b64"], "b64", {}])
    await assert.rejects(verify(make(elliptic, {}, { crit })), /failed to verify signature/);
  assert.equal((await verify(make(elliptic, {}, { crit: [] })))?.name, "oidc:bob");
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const token = make(rsa, {}, { alg: "PS256" });
  const text = token.slice(0, token.lastIndexOf("."));
  const how = { key: rsa.privateKey, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const signature = sign("sha256", Buffer.from(text), how).toString("base64url");
  assert.equal((await verify(`${text}.${signature}`))?.name, "oidc:bob");
});

test("tokens that are signed by another algorithm than those that are accepted are refused", async () => {
  const [elliptic, rsa] = [signer("e"), signer("r", "RS256")];
  const { verify, make } = issuer([elliptic, rsa], {}, ["RS256", "PS256"]);
  assert.equal((await verify(make(rsa)))?.name, "oidc:bob");
  await assert.rejects(() => verify(make(elliptic)), {
    message:
      'oidc: verify token: oidc: id token signed with unsupported algorithm, expected ["RS256" "PS256"] got "ES256"',
  });
});

test("rules of claims and of users must hold, and expressions map", async () => {
  const key = signer("a");
  const { verify, make } = issuer([key], {
    claimValidationRules: [
      { claim: "hd", requiredValue: "example.com" },
      { expression: "claims.level > 1", message: "too low" },
    ],
    claimMappings: {
      username: { expression: "'e:' + claims.sub" },
      groups: { expression: "claims.roles" },
      uid: { claim: "id" },
      extra: [{ key: "acme.io/team", valueExpression: "claims.team" }],
    },
    userValidationRules: [{ expression: "!user.username.startsWith('e:system')", message: "reserved" }],
  });
  const good = { hd: "example.com", level: 2, roles: ["r"], id: "7", team: ["t", ""] };
  assert.deepEqual(await verify(make(key, good)), {
    name: "e:bob",
    groups: ["r", "system:authenticated"],
    uid: "7",
    extra: { "acme.io/team": ["t"] },
  });
  await assert.rejects(
    () => verify(make(key, { ...good, hd: "x" })),
    /required claim hd value does not match/,
  );
  for (const [wrong, why] of [
    [{ level: 1 }, "claim validation expression: validation expression 'claims.level > 1' failed: too low"],
    [
      { level: undefined },
      "claim validation expression: expression 'claims.level > 1' resulted in error: no such key: level",
    ],
    [
      { sub: "system:x" },
      "user info validation rule: validation expression '!user.username.startsWith('e:system')' failed: reserved",
    ],
    [
      { sub: undefined },
      "username claim expression: expression ''e:' + claims.sub' resulted in error: no such key: sub",
    ],
    [{ roles: { a: 1 } }, "group claim expression: expression must return a string or a list of strings"],
    [
      { team: 1 },
      "extra claim expression: claims.team: expression must return a string or a list of strings",
    ],
  ] as const)
    await assert.rejects(
      () => verify(make(key, { ...good, ...wrong })),
      (error: Error) => {
        assert.equal(error.message, `oidc: error evaluating ${why}`);
        return true;
      },
    );
  await assert.rejects(() => verify(make(key, { ...good, id: 7 })), /could not parse uid claim/);
});

test("an e-mail address counts when it was verified, or when nothing is said about that", async () => {
  const key = signer("a");
  const { verify, make } = issuer([key], { claimMappings: { username: { claim: "email", prefix: "" } } });
  assert.equal((await verify(make(key, { email: "a@b" })))?.name, "a@b");
  assert.equal((await verify(make(key, { email: "a@b", email_verified: true })))?.name, "a@b");
  await assert.rejects(
    () => verify(make(key, { email: "a@b", email_verified: false })),
    /email not verified/,
  );
});

test("mistakes of a configuration are told all at once", () => {
  const found = configProblems(
    {
      jwt: [
        { ...usual, issuer: { url: "http://own", audiences: [] } },
        {
          issuer: { url: "https://x?a=b", audiences: ["a", "a"] },
          claimMappings: { username: { claim: "sub" }, extra: [{ key: "k8s.io/x", valueExpression: "y" }] },
        },
      ],
      anonymous: { enabled: false, conditions: [{ path: "/x" }] },
    },
    ["http://own"],
    compile,
  ).map((each) => `${each.field}: ${each.message}`);
  for (const expected of [
    'jwt[0].issuer.url: Invalid value: "http://own": URL must not overlap with disallowed issuers: [http://own]',
    'jwt[0].issuer.url: Invalid value: "http://own": URL scheme must be https',
    "jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required",
    'jwt[1].issuer.audiences[1]: Duplicate value: "a"',
    'jwt[1].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
    'jwt[1].claimMappings.extra[0].key: Invalid value: "k8s.io/x": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use',
    "jwt[1].claimMappings.extra[0].valueExpression: Invalid value: \"y\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'y' (in container '')\n | y\n | ^",
  ]) {
    assert.ok(found.includes(expected), `${expected}\n${found.join("\n")}`);
  }
  assert.ok(found.some((each) => each.startsWith("jwt[1].claimMappings.username.prefix: Required value")));
  assert.ok(found.some((each) => each.startsWith("anonymous.conditions: Invalid value")));
});

test("expressions of a configuration are compiled; who takes a name from an e-mail address looks at whether it was verified", () => {
  const problems = (config: Partial<JwtAuthenticatorConfig>): string[] =>
    configProblems({ jwt: [{ ...usual, ...config }] }, ["https://own"], compile).map(
      (each) => `${each.field}: ${each.message}`,
    );
  const named = (expression: string, more: object = {}) => ({
    claimMappings: { username: { expression }, ...more },
  });
  assert.deepEqual(
    problems({
      ...named("claims.email_verified ? claims.email : 'nobody'"),
      claimValidationRules: [{ expression: "claims.level" }],
      userValidationRules: [{ expression: "user.name" }, { expression: "user.name" }],
    }).map((each) => each.split("\n")[0]),
    [
      'jwt[0].claimValidationRules[0].expression: Invalid value: "claims.level": must evaluate to bool',
      "jwt[0].userValidationRules[0].expression: Invalid value: \"user.name\": compilation failed: ERROR: <input>:1:5: undefined field 'name'",
      'jwt[0].userValidationRules[1].expression: Duplicate value: "user.name"',
    ],
  );
  assert.match(
    problems(named("'x:' + claims['email']")).join(),
    /^jwt\[0\]\.claimMappings\.username\.expression: .*: claims\.email_verified must be used in /,
  );
  const looked = {
    extra: [{ key: "acme.io/v", valueExpression: "string(claims.?email_verified.orValue(true))" }],
  };
  assert.deepEqual(problems(named("claims.email", looked)), []);
});
