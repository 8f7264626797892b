import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ServingTls } from "../../apiserver/index.ts";
import { createLogger } from "../../machinery/index.ts";
import { FakeClock, settle } from "../../testing/index.ts";
import { createAuthority } from "../pki/authority.ts";
import { followFiles } from "./follow-files.ts";
import { ServingFiles } from "./serving-files.ts";

const dir = mkdtempSync(join(tmpdir(), "serving-"));
after(() => rmSync(dir, { recursive: true }));
const pairs = Array.from({ length: 3 }, (_, i) => createAuthority(`pair ${i}`, Date.now()));
const file = (name: string, text = ""): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};
const put = (name: string, i: number) => ({
  cert: file(`${name}.crt`, pairs[i]?.cert),
  key: file(`${name}.key`, pairs[i]?.key),
});

test("certificates are read from their files and again when these change, once both go together", async (t) => {
  const pair = { cert: "own", key: "own" };
  const own = { ...pair, names: ["own.example"] };
  assert.deepEqual(new ServingFiles(own, "ca", {}).tls, { ...pair, clientCa: "ca", named: [] });
  const serving = new ServingFiles(own, "ca", {
    servingCert: put("main", 0),
    sniCerts: [{ ...put("sni", 1), names: ["a"] }],
  });
  const changes: ServingTls[] = [];
  serving.changed = (tls) => changes.push(tls);
  const clock = new FakeClock();
  const ended = new AbortController();
  t.after(() => ended.abort());
  const lines: string[] = [];
  let told = Promise.withResolvers<void>();
  const log = createLogger(
    (line) => {
      lines.push(line);
      told.resolve();
    },
    () => 0,
  );
  await followFiles(serving.files, { clock, log, signal: ended.signal });
  const certs = ({ cert, named = [] }: ServingTls) => [cert, ...named.map((each) => each.cert)];
  // The cluster's own clients trust no other authority.
  assert.deepEqual(serving.tls.named?.at(-1), own);
  assert.deepEqual(certs(serving.tls), [pairs[0]?.cert, pairs[1]?.cert, "own"]);

  const looked = async (): Promise<void> => {
    await settle();
    told = Promise.withResolvers();
    clock.advance(5000);
    await told.promise;
  };
  file("sni.crt", pairs[2]?.cert);
  await looked();
  assert.match(lines.at(-1) ?? "", /tls: private key does not match public key/);
  assert.deepEqual(certs(serving.tls), [pairs[0]?.cert, pairs[1]?.cert, "own"]);
  file("sni.key", pairs[2]?.key);
  await looked();
  assert.deepEqual(certs(serving.tls), [pairs[0]?.cert, pairs[2]?.cert, "own"]);
  assert.deepEqual(changes.at(-1), serving.tls);
});

test("what cannot be served with ends the start", async () => {
  const { cert } = put("cert", 0);
  const { key } = put("key", 1);
  const context = {
    clock: new FakeClock(),
    log: createLogger(
      () => {},
      () => 0,
    ),
    signal: AbortSignal.abort(),
  };
  const { files } = new ServingFiles({ cert: "", key: "", names: [] }, "", { servingCert: { cert, key } });
  await assert.rejects(followFiles(files, context), {
    name: "ClusterError",
    message: `${cert} and ${key} cannot be used: tls: private key does not match public key`,
  });
});

test("what is refused by who serves with it does not stay: the next change is taken", async () => {
  const [main, sni] = [put("a", 0), put("b", 1)];
  const text = (i: number): [string, string] => [pairs[i]?.cert ?? "", pairs[i]?.key ?? ""];
  const own = { cert: "own", key: "own", names: [] };
  const serving = new ServingFiles(own, "", { servingCert: main, sniCerts: [{ ...sni, names: ["a"] }] });
  const [first, second] = serving.files;
  await first?.take(text(0));
  await second?.take(text(1));
  const broken = `${pairs[2]?.cert}broken`;
  serving.changed = ({ cert }) => {
    if (cert === broken) throw new Error("no end line");
  };
  assert.throws(() => void first?.take([broken, pairs[2]?.key ?? ""]), /no end line/);
  assert.equal(serving.tls.cert, pairs[0]?.cert);
  await second?.take(text(2));
  assert.equal(serving.tls.named?.[0]?.cert, pairs[2]?.cert);
});
