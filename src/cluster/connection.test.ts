import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { certificateHosts } from "./compose/start-cluster.ts";
import { ensureConfig } from "./config/cluster-config.ts";
import { placesOf } from "./config/places.ts";
import { adminEntry } from "./connection.ts";
import { ensureCertificates } from "./pki/cluster-certificates.ts";

test("beside another certificate the cluster's own is asked for by a name that it is for", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "connection-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const config = ensureConfig(placesOf({ name: "c" }, { WHERRY_DATA_DIR: dir, HOME: dir }), {});
  const { apiserver } = ensureCertificates(join(config.dataDir, "pki"), certificateHosts(config), Date.now());
  assert.equal(adminEntry(config).serverName, undefined);
  const servingCert = { cert: "/c", key: "/k" };
  const { serverName } = adminEntry({ ...config, apiServer: { servingCert } });
  assert.equal(new X509Certificate(apiserver.cert).checkHost(serverName ?? ""), serverName);
});
