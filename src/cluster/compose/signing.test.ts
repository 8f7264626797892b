import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createAuthority } from "../pki/authority.ts";
import { readSigning } from "./signing.ts";

test("authorities are read from their files; what cannot sign is told by its signer", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "signing-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const [one, other] = [createAuthority("one", Date.now()), createAuthority("other", Date.now())];
  const cert = file("cert", one.cert);
  const name = "kubernetes.io/kubelet-serving";
  const read = (key: string, path = cert) =>
    readSigning({ signers: { [name]: { cert: path, key } }, durationMs: 5 });
  assert.deepEqual(read(file("key", one.key)), {
    signers: { [name]: { cert: one.cert, key: one.key } },
    durationMs: 5,
  });
  const begins = `failed to init ${name} certificate controller: error reading CA cert file ${JSON.stringify(cert)}: `;
  assert.throws(() => read(file("wrong", other.key)), {
    message: `${begins}tls: private key does not match public key`,
  });
  assert.throws(
    () => read(join(dir, "none")),
    (error: Error) => error.message.startsWith(`${begins}ENOENT`),
  );
});
