import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { parseFlags, UsageError } from "../flags.ts";
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
      "--disable-admission-plugins=A,B",
      "--cors-allowed-origins=//a\\.example(:|$),^http://b$",
      "--goaway-chance=0.01",
      "--http2-max-streams-per-connection=250",
    ),
    {
      encryptionConfig: resolve("e.yaml"),
      audit: { policyFile: resolve("p.yaml"), log: { path: "-" } },
      plugins: { enable: [], disable: ["A", "B"] },
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
