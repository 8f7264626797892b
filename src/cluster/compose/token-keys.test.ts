import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { tokenKeys } from "./token-keys.ts";

const pair = (namedCurve: string) => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
  return {
    public: publicKey.export({ type: "spki", format: "pem" }).toString(),
    private: privateKey.export({ type: "sec1", format: "pem" }).toString(),
  };
};

test("tokens are signed with the key of a file, and those of further keys and the cluster's own are accepted", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "keys-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const [one, two, three, odd] = [pair("P-256"), pair("P-256"), pair("P-256"), pair("P-384")];
  assert.deepEqual(tokenKeys({}, "own"), { signing: ["own"], verifying: [] });
  const settings = {
    signingKeyFile: file("one.pem", one.private),
    keyFiles: [file("all.pem", `x\n${two.public}${three.private}`)],
  };
  assert.deepEqual(tokenKeys(settings, "own"), {
    signing: [one.private, "own"],
    verifying: [two.public, three.public],
  });
  const nothing = file("nothing.pem", "x");
  assert.throws(() => tokenKeys({ signingKeyFile: nothing }, "own"), {
    message: `--service-account-signing-key-file: error reading private key file ${nothing}: data does not contain a valid RSA or ECDSA private key`,
  });
  assert.throws(() => tokenKeys({ keyFiles: [nothing] }, "own"), {
    message: `--service-account-key-file: error reading public key file ${nothing}: data does not contain any valid RSA or ECDSA public keys`,
  });
  assert.throws(
    () => tokenKeys({ keyFiles: [file("odd.pem", odd.public)] }, "own"),
    /holds a key that is neither RSA nor P-256/,
  );
  assert.throws(() => tokenKeys({ signingKeyFile: join(dir, "none") }, "own"), /ENOENT/);
});
