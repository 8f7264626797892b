import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createAuth, type JwtAuthenticatorConfig } from "../../apiserver/index.ts";
import { systemClock } from "../../machinery/index.ts";
import { generateKeyPairSync } from "node:crypto";
import type { OidcSettings } from "../config/api-server-settings.ts";
import { oidcIssuer } from "./oidc-issuer.ts";

const usual = { issuerUrl: "https://issuer.example", clientId: "wherry" };
const jwtOf = (more: Partial<OidcSettings> = {}): JwtAuthenticatorConfig => {
  const { jwt } = oidcIssuer({ ...usual, ...more }).configuration as { jwt: [JwtAuthenticatorConfig] };
  return jwt[0];
};

test("an issuer of flags is one of a configuration, with all that flags say", (t) => {
  assert.deepEqual(oidcIssuer(usual), {
    configuration: {
      apiVersion: "apiserver.config.k8s.io/v1",
      kind: "AuthenticationConfiguration",
      jwt: [
        {
          issuer: { url: "https://issuer.example", audiences: ["wherry"] },
          claimMappings: { username: { claim: "sub", prefix: "https://issuer.example#" } },
          claimValidationRules: [],
        },
      ],
    },
    signingAlgorithms: ["RS256"],
  });
  const dir = mkdtempSync(join(tmpdir(), "oidc-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const caFile = join(dir, "ca");
  writeFileSync(caFile, "PEM");
  const told = jwtOf({
    caFile,
    groupsClaim: "roles",
    groupsPrefix: "g:",
    requiredClaims: { hd: "example.com", a: "" },
  });
  assert.equal(told.issuer.certificateAuthority, "PEM");
  assert.deepEqual(told.claimMappings.groups, { claim: "roles", prefix: "g:" });
  assert.deepEqual(told.claimValidationRules, [
    { claim: "hd", requiredValue: "example.com" },
    { claim: "a", requiredValue: "" },
  ]);
});

test("names have the issuer before them, but for e-mail addresses and where another prefix or none is wanted", () => {
  for (const [given, prefix] of [
    [{ usernameClaim: "name" }, "https://issuer.example#"],
    [{ usernameClaim: "email" }, ""],
    [{ usernameClaim: "email", usernamePrefix: "o:" }, "o:"],
    [{ usernamePrefix: "-" }, ""],
    [{ usernamePrefix: "" }, "https://issuer.example#"],
  ] as const)
    assert.equal(jwtOf(given).claimMappings.username.prefix, prefix);
});

test("an issuer of flags is held to the rules of configurations", async () => {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const { configureAuthentication } = createAuth({
    clock: systemClock,
    serviceAccountKeys: [key.export({ type: "pkcs8", format: "pem" }) as string],
    issuers: ["https://own"],
  });
  for (const [given, message] of [
    [{ issuerUrl: "http://x" }, 'jwt[0].issuer.url: Invalid value: "http://x": URL scheme must be https'],
    [
      { issuerUrl: "https://own" },
      'jwt[0].issuer.url: Invalid value: "https://own": URL must not overlap with disallowed issuers: [https://own]',
    ],
    [{ usernameClaim: "" }, "jwt[0].claimMappings.username: Required value: claim or expression is required"],
    [
      { caFile: import.meta.filename },
      'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates',
    ],
  ] as const) {
    const { configuration, signingAlgorithms } = oidcIssuer({ ...usual, ...given });
    await assert.rejects(configureAuthentication(configuration, signingAlgorithms), { message });
  }
});
