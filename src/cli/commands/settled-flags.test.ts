import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { flagHelp, parseFlags } from "../flags.ts";
import { usageProblem } from "../testing/usage-problem.ts";
import { apiServerFlags, apiServerSettings } from "./api-server-flags.ts";
import { settledFlags } from "./settled-flags.ts";

const read = (...argv: string[]) => apiServerSettings(parseFlags(argv, apiServerFlags).flags);

test("flags with their only supported value are accepted, and change nothing", () => {
  assert.deepEqual(
    read(
      "--allow-privileged",
      "--enable-priority-and-fairness=true",
      "--permit-port-sharing=false",
      "--delete-collection-workers=8",
      "--watch-cache-sizes=pods#100,nodes#5",
      "--emulated-version=kube=1.36",
      "--storage-media-type=application/json",
      "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
      "--feature-gates=WatchList=true,GangScheduling=false",
    ),
    {},
  );
});

test("unsupported flags and values are refused with the reason", () => {
  const told = (argument: string) => usageProblem(() => read(argument));
  assert.equal(
    told("--etcd-servers=https://127.0.0.1:2379"),
    "--etcd-servers is not supported: wherry keeps its state in a store of its own in the data directory, without etcd",
  );
  assert.equal(
    told("--enable-priority-and-fairness=false"),
    "--enable-priority-and-fairness=false is not supported: it is always on",
  );
  assert.equal(
    told("--emulated-version=1.35"),
    "--emulated-version=1.35 is not supported: wherry speaks Kubernetes v1.36 alone",
  );
  assert.match(told("--watch-cache-sizes=pods#0"), /^--watch-cache-sizes=pods#0 is not supported: /);
  assert.match(
    told("--max-connection-bytes-per-sec=5"),
    /is not supported: connections to pods are not slowed down$/,
  );
  assert.equal(
    told("--feature-gates=WatchList=false"),
    "cannot set feature gate WatchList to false, here it is always true",
  );
  assert.equal(told("--cloud-provider=aws"), "unknown flag: --cloud-provider");
});

test("docs/flags.md lists all flags, the help those that configure something", () => {
  const help = flagHelp(apiServerFlags);
  const page = readFileSync(join(import.meta.dirname, "../../../docs/flags.md"), "utf8");
  for (const { long } of settledFlags) {
    assert.ok(!help.includes(`--${long}=`), long);
    assert.ok(page.includes(`\`--${long}\``), `docs/flags.md lacks --${long}`);
  }
  for (const { long } of apiServerFlags)
    assert.ok(page.includes(`\`--${long}\``), `docs/flags.md lacks --${long}`);
});
