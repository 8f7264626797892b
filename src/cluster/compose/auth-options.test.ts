import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createAuth } from "../../apiserver/index.ts";
import { systemClock } from "../../machinery/index.ts";
import type { ApiServerSettings } from "../config/api-server-settings.ts";
import { createAuthority } from "../pki/authority.ts";
import { ensureCertificates } from "../pki/cluster-certificates.ts";
import { authOptions } from "./auth-options.ts";

const dir = mkdtempSync(join(tmpdir(), "auth-"));
after(() => rmSync(dir, { recursive: true }));
const hosts = { apiserver: ["localhost"], kubelet: ["n"], nodeName: "n" };
const certificates = ensureCertificates(join(dir, "pki"), hosts, Date.now());
const other = createAuthority("other", Date.now());

const file = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};
const options = (settings: ApiServerSettings) => authOptions(certificates, settings, systemClock);

/** Who a client certificate of that authority is taken for. */
async function certified(settings: ApiServerSettings, authority: typeof other): Promise<string | undefined> {
  const { cert } = authority.issue(
    { commonName: "alice", organizations: ["g"], usages: ["client"] },
    Date.now(),
  );
  const { raw, fingerprint256 } = new X509Certificate(cert);
  const certificate = { commonName: "alice", organizations: ["g"], der: raw, fingerprint: fingerprint256 };
  const { authenticator } = createAuth(options(settings));
  return (await authenticator.authenticate({ headers: {}, peer: { address: "", certificate } }))?.name;
}

test("certificates of further authorities name users too", async () => {
  const clientCaFile = file("ca.pem", other.cert);
  assert.equal(await certified({}, other), undefined);
  assert.equal(await certified({ clientCaFile }, other), "alice");
  assert.ok(options({ clientCaFile }).clientCa.includes(certificates.ca));
});

test("tokens of a file name users", async () => {
  const tokenFile = file("tokens", 't1,bob,7,"g,h"\nt2,eve,8\n');
  const { authenticator } = createAuth(options({ tokenFile }));
  const who = (token: string) =>
    authenticator.authenticate({ headers: { authorization: `Bearer ${token}` }, peer: { address: "" } });
  assert.deepEqual(await who("t1"), { name: "bob", uid: "7", groups: ["g", "h", "system:authenticated"] });
  assert.deepEqual(await who("t2"), { name: "eve", uid: "8", groups: ["system:authenticated"] });
  await assert.rejects(async () => who("t3"), { reason: "Unauthorized" });
});

test("keys of tokens are where clients from outside find the server, unless that is said", () => {
  const at = (settings: ApiServerSettings, external?: string) =>
    authOptions(certificates, settings, systemClock, external).jwksUri;
  assert.equal(at({}), undefined);
  assert.equal(at({}, "api.example:443"), "https://api.example:443/openid/v1/jwks");
  assert.equal(at({ jwksUri: "https://keys" }, "api.example:443"), "https://keys");
});

test("who brings no credentials is nobody where that is wanted, and one place says so", async () => {
  const { authenticator, configureAuthentication } = createAuth(options({ anonymous: false }));
  const ask = async () => authenticator.authenticate({ headers: {}, peer: { address: "" }, path: "/readyz" });
  await assert.rejects(ask, { reason: "Unauthorized" });
  const config = { apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration" };
  await configureAuthentication({ ...config, jwt: [] });
  await assert.rejects(ask, { reason: "Unauthorized" });
  await assert.rejects(configureAuthentication({ ...config, anonymous: { enabled: true } }), {
    message:
      "anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file",
  });
  const usual = createAuth(options({}));
  assert.equal(
    await usual.authenticator.authenticate({ headers: {}, peer: { address: "" }, path: "/x" }),
    undefined,
  );
});

test("nobody is anonymous where everything is allowed, unless a configuration says so", async () => {
  const authorization = { modes: ["AlwaysAllow"] } as const;
  const config = { apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration" };
  for (const settings of [{ authorization }, { authorization, anonymous: true }]) {
    const { authenticator } = createAuth(options(settings));
    await assert.rejects(
      async () => authenticator.authenticate({ headers: {}, peer: { address: "" }, path: "/x" }),
      { reason: "Unauthorized" },
    );
  }
  const { authenticator, configureAuthentication } = createAuth(options({ authorization }));
  await configureAuthentication({ ...config, anonymous: { enabled: true } });
  assert.equal(
    await authenticator.authenticate({ headers: {}, peer: { address: "" }, path: "/x" }),
    undefined,
  );
});

test("files that cannot be used are told in kube-apiserver's words", () => {
  const missing = join(dir, "none");
  assert.throws(() => options({ tokenFile: missing }), /^ClusterError: --token-auth-file: ENOENT/);
  const short = file("short", "a,b\n");
  assert.throws(() => options({ tokenFile: short }), {
    message: `token file '${short}' must have at least 3 columns (token, user name, user uid), found 2`,
  });
  const empty = file("empty", "");
  assert.throws(() => options({ clientCaFile: empty }), {
    message: `missing content for CA bundle "client-ca-bundle::${empty}"`,
  });
  const junk = file("junk", "junk\n");
  assert.throws(() => options({ clientCaFile: junk }), {
    message: `error loading CA bundle for "client-ca-bundle::${junk}": data does not contain any valid RSA or ECDSA certificates`,
  });
});

test("front proxies of further authorities are believed as far as their headers are read", async () => {
  const caFile = file("proxies.pem", other.cert);
  const headers = { user: true, group: false, uid: true, extra: false };
  const asked = async (commonName: string, authority: typeof other, settings: ApiServerSettings) => {
    const { cert } = authority.issue({ commonName, organizations: [], usages: ["client"] }, Date.now());
    const { raw, fingerprint256 } = new X509Certificate(cert);
    const certificate = { commonName, organizations: [], der: raw, fingerprint: fingerprint256 };
    const { authenticator } = createAuth(options(settings));
    const said = {
      "x-remote-user": "bob",
      "x-remote-group": "g",
      "x-remote-uid": "7",
      "x-remote-extra-a": "b",
    };
    return authenticator.authenticate({ headers: said, peer: { address: "", certificate } });
  };
  const bob = { name: "bob", uid: "7", groups: ["system:authenticated"] };
  const settings = { frontProxy: { caFile, allowedNames: ["proxy"], headers } };
  assert.deepEqual(await asked("proxy", other, settings), bob);
  assert.equal(await asked("stranger", other, settings), undefined);
  assert.equal(await asked("proxy", other, {}), undefined);
  const open = { frontProxy: { caFile, allowedNames: [], headers: { ...headers, user: false } } };
  assert.equal(await asked("proxy", other, open), undefined, "no header is read for names");
  assert.ok(options(settings).proxyCa.includes(certificates.frontProxyCa));
  assert.ok(options(settings).proxyCa.includes(other.cert));
  const none = file("none.pem", "x");
  assert.throws(() => options({ frontProxy: { caFile: none, allowedNames: [], headers } }), {
    message: `error loading CA bundle for "request-header::${none}": data does not contain any valid RSA or ECDSA certificates`,
  });
});
