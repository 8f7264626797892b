import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { parseFlags } from "../flags.ts";
import { usageProblem } from "../testing/usage-problem.ts";
import { signingFlags, signingOf } from "./signing-flags.ts";

const read = (...argv: string[]) => signingOf(parseFlags(argv, signingFlags).flags);

test("one authority signs for all signers, or one for each that is named", () => {
  assert.equal(read(), undefined);
  assert.equal(read("--cluster-signing-cert-file=c"), undefined);
  const all = read(
    "--cluster-signing-cert-file=c",
    "--cluster-signing-key-file=k",
    "--cluster-signing-duration=1h",
  );
  const pair = { cert: resolve("c"), key: resolve("k") };
  assert.deepEqual(all, {
    signers: {
      "kubernetes.io/kubelet-serving": pair,
      "kubernetes.io/kube-apiserver-client-kubelet": pair,
      "kubernetes.io/kube-apiserver-client": pair,
      "kubernetes.io/legacy-unknown": pair,
    },
    durationMs: 3_600_000,
  });
  const two = read(
    "--cluster-signing-kubelet-client-cert-file=/c",
    "--cluster-signing-kubelet-client-key-file=/k",
    "--cluster-signing-legacy-unknown-cert-file=/d",
    "--cluster-signing-legacy-unknown-key-file=/l",
  );
  assert.deepEqual(two?.signers, {
    "kubernetes.io/kube-apiserver-client-kubelet": { cert: "/c", key: "/k" },
    "kubernetes.io/legacy-unknown": { cert: "/d", key: "/l" },
  });
});

test("what does not go together is refused in kube-controller-manager's words", () => {
  const problem = (...argv: string[]): string => usageProblem(read, ...argv);
  const client = "--cluster-signing-kubelet-client";
  assert.equal(
    problem(`${client}-cert-file=c`),
    '"cluster-signing-kubelet-client": cannot specify cert without key',
  );
  assert.equal(
    problem(`${client}-key-file=k`),
    '"cluster-signing-kubelet-client": cannot specify key without cert',
  );
  assert.equal(
    problem(`${client}-cert-file=c`, `${client}-key-file=k`, "--cluster-signing-cert-file=c"),
    "cannot specify --cluster-signing-{cert,key}-file and other --cluster-signing-*-file flags at the same time",
  );
  assert.match(
    problem(`${client}-cert-file=c`, `${client}-key-file=k`, "--cluster-signing-duration=5"),
    /missing unit/,
  );
});
