import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { parseFlags, UsageError } from "../flags.ts";
import { usageProblem } from "../testing/usage-problem.ts";
import { apiServerFlags, apiServerSettings } from "./api-server-flags.ts";

const read = (...argv: string[]) => apiServerSettings(parseFlags(argv, apiServerFlags).flags);

test("flags of the API server become plain settings, with absolute paths", () => {
  assert.equal(read(), undefined);
  assert.deepEqual(
    read(
      "--encryption-provider-config=e.yaml",
      "--audit-policy-file",
      "p.yaml",
      "--audit-log-path=-",
      "--max-requests-inflight=10",
      "--shutdown-delay-duration=1m30s",
      "--shutdown-send-retry-after",
      "--request-timeout=30s",
      "--profiling=false",
      "--v=4",
      "--logging-format=json",
      "--disable-admission-plugins=Priority,LimitRanger",
      "--cors-allowed-origins=//a\\.example(:|$),^http://b$",
      "--goaway-chance=0.01",
      "--http2-max-streams-per-connection=250",
    ),
    {
      encryptionConfig: resolve("e.yaml"),
      audit: { policyFile: resolve("p.yaml"), log: { path: "-" } },
      plugins: { enable: [], disable: ["Priority", "LimitRanger"] },
      maxRequestsInflight: 10,
      shutdownDelayMs: 90_000,
      shutdownSendRetryAfter: true,
      profiling: false,
      verbosity: 4,
      loggingFormat: "json",
      requestMs: 30_000,
      corsOrigins: ["//a\\.example(:|$)", "^http://b$"],
      goAwayChance: 0.01,
      http2MaxStreams: 250,
    },
  );
});

test("who asks, and how long things last, is told by kube-apiserver's flags", () => {
  assert.deepEqual(
    read(
      "--admission-control-config-file=/a",
      "--anonymous-auth=false",
      "--tls-min-version=VersionTLS13",
      "--runtime-config=batch/v1=false,apps/v1",
      "--runtime-config=policy/v1/poddisruptionbudgets=0",
      "--token-auth-file=/t",
      "--client-ca-file=/c",
      "--service-account-issuer=https://new",
      "--service-account-issuer=https://old",
      "--api-audiences=a,b",
      "--service-account-jwks-uri=https://keys",
      "--service-account-max-token-expiration=2h",
      "--service-account-extend-token-expiration=false",
      "--min-request-timeout=0",
      "--event-ttl=30m",
      "--default-not-ready-toleration-seconds=5",
      "--default-unreachable-toleration-seconds=6",
      "--strict-transport-security-directives=max-age=1,preload",
    ),
    {
      admissionConfig: "/a",
      runtimeConfig: { "batch/v1": "false", "apps/v1": "", "policy/v1/poddisruptionbudgets": "0" },
      anonymous: false,
      minTls: "TLSv1.3",
      tokenFile: "/t",
      clientCaFile: "/c",
      issuers: ["https://new", "https://old"],
      audiences: ["a", "b"],
      jwksUri: "https://keys",
      maxTokenMs: 7_200_000,
      extendTokens: false,
      minRequestSeconds: 0,
      eventTtlMs: 1_800_000,
      notReadySeconds: 5,
      unreachableSeconds: 6,
      strictTransport: ["max-age=1", "preload"],
    },
  );
});

test("what it is served with is told by kube-apiserver's flags", () => {
  assert.deepEqual(
    read(
      "--tls-cert-file=c.pem",
      "--tls-private-key-file=/k.pem",
      "--tls-sni-cert-key=/a, b:x.example, *.y.example",
      "--tls-sni-cert-key=/a,/b",
      "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256",
      "--external-hostname=api.example",
    ),
    {
      servingCert: { cert: resolve("c.pem"), key: "/k.pem" },
      sniCerts: [
        { cert: "/a", key: resolve("b"), names: ["x.example", "*.y.example"] },
        { cert: "/a", key: "/b", names: [] },
      ],
      cipherSuites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"],
      externalHostname: "api.example",
    },
  );
  // HTTP/2 needs nothing of TLS 1.2 where that is not spoken.
  const suites = ["TLS_CHACHA20_POLY1305_SHA256"];
  assert.deepEqual(read("--tls-min-version=VersionTLS13", `--tls-cipher-suites=${suites}`), {
    minTls: "TLSv1.3",
    cipherSuites: suites,
  });
});

test("an OpenID Connect issuer is told by kube-apiserver's flags", () => {
  const issuer = ["--oidc-issuer-url=https://i", "--oidc-client-id=c"];
  assert.deepEqual(read(...issuer), { oidc: { issuerUrl: "https://i", clientId: "c" } });
  assert.deepEqual(
    read(
      ...issuer,
      "--oidc-username-claim=email",
      "--oidc-username-prefix=-",
      "--oidc-groups-claim=groups",
      "--oidc-groups-prefix=g:",
      "--oidc-required-claim= a = b=c ",
      "--oidc-required-claim=d=e,f",
      "--oidc-signing-algs=ES256,RS256",
      "--oidc-ca-file=ca.pem",
    )?.oidc,
    {
      issuerUrl: "https://i",
      clientId: "c",
      usernameClaim: "email",
      usernamePrefix: "-",
      groupsClaim: "groups",
      groupsPrefix: "g:",
      requiredClaims: { a: "b=c", d: "e,f" },
      signingAlgorithms: ["ES256", "RS256"],
      caFile: resolve("ca.pem"),
    },
  );
});

test("who says what a request may do is told by kube-apiserver's flags", () => {
  assert.deepEqual(read("--authorization-mode=RBAC,Node"), { authorization: { modes: ["RBAC", "Node"] } });
  assert.deepEqual(read("--authorization-mode="), {});
  assert.deepEqual(read("--authorization-config=/a"), { authorizationConfig: "/a" });
  assert.deepEqual(read("--authorization-config=/a", "--authorization-policy-file=/p"), {
    authorizationConfig: "/a",
    authorizationPolicyFile: "/p",
  });
  assert.deepEqual(
    read(
      "--authorization-mode=Webhook",
      "--authorization-mode=ABAC",
      "--authorization-policy-file=/p",
      "--authorization-webhook-config-file=w",
      "--authorization-webhook-cache-authorized-ttl=0s",
    ),
    {
      authorization: {
        modes: ["Webhook", "ABAC"],
        policyFile: "/p",
        webhook: { kubeconfig: resolve("w"), version: "v1beta1", authorizedMs: 0 },
      },
    },
  );
});

test("how events are recorded is told for the log and for the webhook", () => {
  assert.deepEqual(
    read(
      "--audit-policy-file=/p",
      "--audit-log-path=/l",
      "--audit-log-compress",
      "--audit-log-format=legacy",
      "--audit-log-mode=batch",
      "--audit-log-batch-max-wait=1m",
      "--audit-log-batch-buffer-size=7",
      "--audit-log-batch-throttle-enable",
      "--audit-log-batch-throttle-qps=0.5",
      "--audit-log-batch-throttle-burst=2",
      "--audit-log-truncate-enabled",
      "--audit-log-truncate-max-event-size=1000",
      "--audit-log-truncate-max-batch-size=2000",
      "--audit-log-version=audit.k8s.io/v1",
      "--audit-webhook-config-file=/w",
      "--audit-webhook-mode=blocking-strict",
      "--audit-webhook-batch-max-size=5",
      "--audit-webhook-initial-backoff=3s",
      "--audit-webhook-batch-throttle-enable=false",
    ),
    {
      audit: {
        policyFile: "/p",
        log: {
          path: "/l",
          mode: "batch",
          batch: {
            bufferSize: 7,
            maxWaitMs: 60_000,
            throttleEnable: true,
            throttleQps: 0.5,
            throttleBurst: 2,
          },
          truncate: { enabled: true, maxEventBytes: 1000, maxBatchBytes: 2000 },
          format: "legacy",
          compress: true,
        },
        webhook: {
          kubeconfig: "/w",
          mode: "blocking-strict",
          batch: { maxSize: 5, throttleEnable: false },
          initialBackoffMs: 3000,
        },
      },
    },
  );
});

test("what cannot be is refused in kube-apiserver's words, also of a record that is not made", () => {
  const problem = (...argv: string[]): string => usageProblem(read, ...argv);
  const log = "--audit-log-path=x";
  for (const [flags, message] of [
    [
      [log, "--audit-log-mode=foo"],
      'invalid audit log mode foo, allowed modes are "batch,blocking,blocking-strict"',
    ],
    [[log, "--audit-log-format=foo"], 'invalid audit log format foo, allowed formats are "legacy,json"'],
    [[log, "--audit-log-version=v1"], 'invalid group version, allowed versions are ["audit.k8s.io/v1"]'],
    [[log, "--audit-log-version=a/b/c"], "unexpected GroupVersion string: a/b/c"],
    [[log, "--audit-log-maxage=-1"], "--audit-log-maxage -1 can't be a negative number"],
    [
      ["--audit-log-batch-max-wait=5", log],
      'invalid argument "5" for "--audit-log-batch-max-wait" flag: time: missing unit in duration "5"',
    ],
    [
      ["--audit-log-batch-throttle-qps=x", log],
      'invalid argument "x" for "--audit-log-batch-throttle-qps" flag: strconv.ParseFloat: parsing "x": invalid syntax',
    ],
    [
      ["--service-account-max-token-expiration=10m"],
      "the service-account-max-token-expiration must be between 1 hour and 2^32 seconds",
    ],
    [["--service-account-issuer="], "service-account-issuer should not be an empty string"],
    [
      ["--service-account-issuer=a", "--service-account-issuer=a"],
      'service-account-issuer "a" is already specified',
    ],
    [
      ["--service-account-issuer=://x"],
      'service-account-issuer "://x" contained a \':\' but was not a valid URL: parse "://x": missing protocol scheme',
    ],
    [["--enable-admission-plugins=Foo"], 'enable-admission-plugins plugin "Foo" is unknown'],
    [["--disable-admission-plugins=Priority,Foo"], 'disable-admission-plugins plugin "Foo" is unknown'],
    [
      ["--enable-admission-plugins=ResourceQuota", "--disable-admission-plugins=ResourceQuota"],
      "[ResourceQuota] in enable-admission-plugins and disable-admission-plugins overlapped",
    ],
    [["--tls-min-version=foo"], 'unknown tls version "foo"'],
    [
      ["--oidc-issuer-url=https://i"],
      "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set",
    ],
    [
      ["--oidc-ca-file=a"],
      "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set",
    ],
    [
      ["--oidc-issuer-url=https://i", "--authentication-config=a"],
      "authentication-config file and oidc-* flags are mutually exclusive",
    ],
    [
      ["--oidc-issuer-url=https://i", "--oidc-client-id=c", "--oidc-required-claim=a"],
      'invalid argument "a" for "--oidc-required-claim" flag: malformed pair, expect string=string',
    ],
    [
      ["--oidc-issuer-url=https://i", "--oidc-client-id=c", "--oidc-signing-algs=HS256"],
      'oidc: unsupported signing alg: "HS256"',
    ],
    [["--authorization-mode=foo"], 'authorization-mode "foo" is not a valid mode'],
    [
      ["--authorization-mode=RBAC,RBAC"],
      'authorization-mode ["RBAC" "RBAC"] has mode specified more than once',
    ],
    [["--authorization-mode=Webhook"], "authorization-mode Webhook's authorization config file not passed"],
    [["--authorization-mode=ABAC"], "authorization-mode ABAC's authorization policy file not passed"],
    [["--authorization-policy-file=x"], "cannot specify --authorization-policy-file without mode ABAC"],
    [
      ["--authorization-mode=RBAC", "--authorization-webhook-config-file=x"],
      "cannot specify --authorization-webhook-config-file without mode Webhook",
    ],
    [
      ["--authorization-config=x", "--authorization-webhook-version=v1"],
      "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined",
    ],
    [
      [
        "--authorization-mode=Webhook",
        "--authorization-webhook-config-file=x",
        "--authorization-webhook-version=v3",
      ],
      'unsupported webhook authorizer version "v3", supported versions are "v1", "v1beta1"',
    ],
    [["--tls-cert-file=a"], "missing filename for serving cert"],
    [["--tls-cipher-suites=FOO"], "Cipher suite FOO not supported or doesn't exist"],
    [
      ["--tls-cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA"],
      "error configuring http2: http2: TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at least one of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)",
    ],
    [
      ["--tls-sni-cert-key=a"],
      'invalid argument "a" for "--tls-sni-cert-key" flag: expected comma separated certificate and key file paths',
    ],
    [
      ["--tls-sni-cert-key=a,b:"],
      'invalid argument "a,b:" for "--tls-sni-cert-key" flag: empty names list is not allowed',
    ],
    [["--tls-sni-cert-key=a,"], "failed to load SNI cert and key: missing filename for serving cert"],
    [
      ["--max-requests-inflight=0", "--max-mutating-requests-inflight=0"],
      "invalid configuration: MaxRequestsInFlight=0 and MaxMutatingRequestsInFlight=0; they must add up to something positive",
    ],
    [["--runtime-config=foo=true"], "runtime-config invalid key foo"],
    [["--min-request-timeout=-1"], "--min-request-timeout can not be negative value"],
    [
      ["--strict-transport-security-directives=max-age=1,foo"],
      "--strict-transport-security-directives invalid, allowed values: max-age=expireTime, includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more information",
    ],
    [["--shutdown-delay-duration=-1s"], "--shutdown-delay-duration can not be negative value"],
    [["--max-requests-inflight=-1"], "--max-requests-inflight can not be negative value"],
  ] as const)
    assert.equal(problem(...flags), message);
  // What is not used is not looked at.
  assert.equal(problem("--audit-log-mode=foo"), "");
});

test("what is no duration or less than nothing is refused", () => {
  for (const flag of [
    "--shutdown-delay-duration=5",
    "--shutdown-delay-duration=-1s",
    "--max-requests-inflight=-1",
    "--request-timeout=soon",
    "--goaway-chance=0.03",
    "--logging-format=xml",
    "--cors-allowed-origins=example.com",
    "--cors-allowed-origins=//(",
  ])
    assert.throws(() => read(flag), UsageError, flag);
});

test("ports of Services, keys of tokens, and how the server starts and ends", () => {
  assert.deepEqual(
    read(
      "--service-account-signing-key-file=/s",
      "--service-account-key-file=/a",
      "--service-account-key-file=b",
      "--shutdown-watch-termination-grace-period=10s",
      "--livez-grace-period=1m",
      "--service-node-port-range=100-200",
    ),
    {
      signingKeyFile: "/s",
      keyFiles: ["/a", resolve("b")],
      shutdownWatchGraceMs: 10_000,
      livezGraceMs: 60_000,
      nodePorts: { from: 100, to: 200 },
    },
  );
  const ports = (text: string) => read(`--service-node-port-range=${text}`)?.nodePorts;
  assert.deepEqual(ports("100+5"), { from: 100, to: 105 });
  assert.deepEqual(ports(" 100 "), { from: 100, to: 100 });
  const refused = (text: string, why: string) =>
    assert.equal(
      usageProblem(() => ports(text)),
      `invalid argument "${text}" for "--service-node-port-range" flag: ${why}`,
    );
  refused("200-100", "end port cannot be less than start port: 200-100");
  refused("65000+1000", "the port range cannot be greater than 65535: 65000+1000");
  refused("a", "unable to parse port range: a");
  refused("0-5", "no ports of Services are left: want a range above 0");
  assert.match(
    usageProblem(() => read("--livez-grace-period=-1s")) ?? "",
    /^--livez-grace-period can not be negative value$/,
  );
});

test("a webhook for tokens: its kubeconfig, its version, for how long it is remembered", () => {
  const prefix = "--authentication-token-webhook";
  assert.deepEqual(read(`${prefix}-config-file=k`), {
    tokenWebhook: { kubeconfig: resolve("k"), version: "v1beta1" },
  });
  assert.deepEqual(read(`${prefix}-config-file=/k`, `${prefix}-version=v1`, `${prefix}-cache-ttl=0s`), {
    tokenWebhook: { kubeconfig: "/k", version: "v1", ttlMs: 0 },
  });
  assert.equal(
    usageProblem(() => read(`${prefix}-version=v2`)),
    'unsupported authentication webhook version "v2", supported versions are "v1", "v1beta1"',
  );
});

test("bootstrap tokens can be turned off", () => {
  assert.deepEqual(read("--enable-bootstrap-token-auth=false"), { bootstrapTokens: false });
});

test("front proxies: their authorities, names, and which headers are read", () => {
  assert.deepEqual(
    read(
      "--requestheader-client-ca-file=/ca",
      "--requestheader-allowed-names=a,b",
      "--requestheader-username-headers=X-Remote-User",
      "--requestheader-group-headers=x-remote-group",
    ),
    {
      frontProxy: {
        caFile: "/ca",
        allowedNames: ["a", "b"],
        headers: { user: true, group: true, uid: false, extra: false },
      },
    },
  );
  assert.deepEqual(read("--requestheader-allowed-names=a"), {});
  assert.equal(
    usageProblem(() => read("--requestheader-username-headers=X-Remote-User,X-User")),
    "--requestheader-username-headers=X-User is not supported: only X-Remote-User is",
  );
  assert.equal(
    usageProblem(() => read("--requestheader-allowed-names= ")),
    'empty value in "requestheader-allowed-names"',
  );
});
