import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import type { Secret } from "../../../api/index.ts";
import { StatusError } from "../../../machinery/index.ts";
import { FakeClock } from "../../../testing/index.ts";
import type { ObjectReader } from "../../auth-contract.ts";
import { ca, clientCert, serverCert } from "../../testing/certificates.ts";
import { BootstrapTokens } from "./bootstrap-tokens.ts";
import { CredentialAuthenticator } from "./credential-authenticator.ts";
import { FrontProxyAuthenticator } from "./front-proxy.ts";
import { TokenUnion } from "./token-union.ts";

const shown = (pem: string, commonName: string) => {
  const { raw, fingerprint256 } = new X509Certificate(pem);
  return { commonName, organizations: ["o"], der: raw, fingerprint: fingerprint256 };
};

test("the word of a front proxy counts, and that of others does not", async () => {
  const headers = {
    "x-remote-user": "bob",
    "x-remote-group": "g,1\ng2",
    "x-remote-uid": "7",
    "x-remote-extra-acme.io%2fscope": "s",
  };
  const start = (allowedNames: string[], authority = ca) =>
    new CredentialAuthenticator({
      tokens: new TokenUnion([]),
      frontProxies: [new FrontProxyAuthenticator({ ca: authority, allowedNames })],
      clientAuthorities: [new X509Certificate(ca)],
    });
  const ask = (
    authenticator: CredentialAuthenticator,
    pem = clientCert,
    more = headers as Record<string, string>,
  ) => authenticator.authenticate({ headers: more, peer: { address: "", certificate: shown(pem, "alice") } });
  assert.deepEqual(await ask(start(["alice"])), {
    name: "bob",
    groups: ["g,1", "g2", "system:authenticated"],
    uid: "7",
    extra: { "acme.io/scope": ["s"] },
  });
  assert.equal((await ask(start([])))?.name, "bob");
  assert.equal((await ask(start(["proxy"])))?.name, "alice");
  assert.equal((await ask(start(["alice"], serverCert)))?.name, "alice");
  assert.equal((await ask(start(["alice"]), clientCert, {}))?.name, "alice");
});

test("a certificate of the front proxies' authority alone makes nobody a client", async () => {
  const authenticator = new CredentialAuthenticator({
    tokens: new TokenUnion([]),
    frontProxies: [new FrontProxyAuthenticator({ ca, allowedNames: [] })],
    clientAuthorities: [new X509Certificate(serverCert)],
  });
  const peer = { address: "", certificate: shown(clientCert, "alice") };
  assert.equal(await authenticator.authenticate({ headers: {}, peer }), undefined);
});

test("bootstrap tokens are good for what their secret says, as long as it says so", () => {
  const clock = new FakeClock();
  const usual = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": "system:bootstrappers:team,system:bootstrappers:b",
    expiration: new Date(clock.now() + 1000).toISOString(),
  };
  const verify = (
    data: Record<string, string>,
    more: Partial<Secret> = {},
    token = "abcdef.0123456789abcdef",
  ) => {
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
    const secret = {
      metadata: { name: "s" },
      type: "bootstrap.kubernetes.io/token",
      data: Object.fromEntries(encoded),
      ...more,
    };
    const tokens = new BootstrapTokens(clock);
    tokens.attach({
      get: (_group: string, _resource: string, namespace: string, name: string) =>
        namespace === "kube-system" && name === "bootstrap-token-abcdef" ? secret : undefined,
    } as unknown as ObjectReader);
    return tokens.verify(token)?.user;
  };
  assert.deepEqual(verify(usual), {
    name: "system:bootstrap:abcdef",
    groups: [
      "system:bootstrappers",
      "system:bootstrappers:team",
      "system:bootstrappers:b",
      "system:authenticated",
    ],
  });
  for (const [key, value] of [
    ["token-secret", "fedcba9876543210"],
    ["token-id", "aaaaaa"],
    ["usage-bootstrap-authentication", "false"],
    ["auth-extra-groups", "system:masters"],
    ["expiration", new Date(clock.now()).toISOString()],
    ["expiration", "soon"],
  ] as const) {
    assert.equal(verify({ ...usual, [key]: value }), undefined, `${key}=${value}`);
  }
  assert.equal(verify(usual, { type: "Opaque" }), undefined);
  assert.equal(verify(usual, { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }), undefined);
  assert.equal(verify(usual, {}, "abcdef.short"), undefined);
});

test("the first origin that knows a token decides; what others had against it is told when none does", async () => {
  const wrong = (text: string) => ({
    verify: () => {
      throw new StatusError("Unauthorized", text);
    },
  });
  const user = { name: "u", groups: [] };
  const late = { verify: async (token: string) => (token === "late" ? { user } : undefined) };
  const union = new TokenUnion([
    wrong("a"),
    late,
    wrong("b"),
    { verify: (token) => (token === "last" ? { user } : undefined) },
  ]);
  assert.deepEqual(await union.verify("late"), { user });
  assert.deepEqual(await union.verify("last"), { user });
  await assert.rejects(async () => union.verify("none"), { message: "[a, b]" });
  assert.equal(new TokenUnion([]).verify("none"), undefined);
});
