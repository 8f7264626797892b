import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { test } from "node:test";
import { needsRenewal } from "./authority.ts";
import { ensureCertificates } from "./cluster-certificates.ts";

const hosts = { apiserver: ["localhost", "127.0.0.1", "fd00::1"], kubelet: ["node-1"], nodeName: "node-1" };

test("a cluster's certificates are made once, kept, and renewed near their end", () => {
  const dir = mkdtempSync(join(tmpdir(), "pki-"));
  try {
    const now = Date.now();
    const first = ensureCertificates(dir, hosts, now);
    assert.deepEqual(ensureCertificates(dir, hosts, now), first);
    const later = ensureCertificates(dir, hosts, now + 300 * 24 * 3600 * 1000);
    assert.equal(later.ca, first.ca);
    assert.notEqual(later.apiserver.cert, first.apiserver.cert);
    const moved = ensureCertificates(dir, { ...hosts, apiserver: ["10.0.0.1"] }, now);
    assert.notEqual(moved.apiserver.cert, later.apiserver.cert);
    assert.equal(statSync(join(dir, "ca.key")).mode & 0o777, 0o600);
    const leaf = new X509Certificate(first.apiserver.cert);
    assert.ok(leaf.checkIssued(new X509Certificate(first.ca)));
    assert.ok(leaf.verify(new X509Certificate(first.ca).publicKey));
    assert.equal(leaf.checkIP("fd00::1"), "fd00::1");
    assert.ok(!needsRenewal(first.apiserver.cert, hosts.apiserver, now));
    assert.match(first.apiserver.key, /^-----BEGIN EC PRIVATE KEY-----\n/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("the certificates hold a mutual TLS connection and carry user and groups", async () => {
  const dir = mkdtempSync(join(tmpdir(), "pki-"));
  const made = ensureCertificates(dir, hosts, Date.now());
  const server = createServer(
    { ...made.apiserver, ca: made.ca, requestCert: true, rejectUnauthorized: true },
    (req, res) => res.end(JSON.stringify((req.socket as TLSSocket).getPeerCertificate().subject)),
  );
  try {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const body = await new Promise<string>((resolve, reject) => {
      request({ host: "127.0.0.1", port, ca: made.ca, ...made.clients.kubelet, agent: false }, (res) => {
        res.setEncoding("utf8").on("data", resolve);
      })
        .on("error", reject)
        .end();
    });
    assert.deepEqual(JSON.parse(body), { O: "system:nodes", CN: "system:node:node-1" });
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true });
  }
});
