import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { silentLogger, systemClock } from "../../../machinery/index.ts";
import { startHarness } from "../../testing/harness.ts";
import { createAuth } from "../auth.ts";

const key = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();
const base = "/api/v1/namespaces/default";

test("a Secret that asks for a token gets one, which is good as long as both Secret and account are there", async () => {
  const auth = createAuth({ clock: systemClock, serviceAccountKeys: [key], rootCa: "CA" });
  const h = await startHarness({
    authenticator: auth.authenticator,
    authorizer: auth.authorizer,
    special: auth.special,
  });
  const stop = new AbortController();
  const masters = { address: "", certificate: { commonName: "self", organizations: ["system:masters"] } };
  const maintained = auth.maintain({
    api: h.server.localTransport(masters),
    objects: h.server.objects,
    log: silentLogger,
    signal: stop.signal,
  });
  await h.call("POST", `${base}/serviceaccounts`, { metadata: { name: "robot" } });
  const watch = await h.watch(`${base}/secrets?watch=true`);
  const secret = {
    metadata: { name: "s", annotations: { "kubernetes.io/service-account.name": "robot" } },
    type: "kubernetes.io/service-account-token",
  };
  assert.equal((await h.call("POST", `${base}/secrets`, secret)).status, 201);
  let filled: { data?: Record<string, string>; metadata: { labels?: Record<string, string> } } | undefined;
  while (!filled?.data?.token) filled = (await watch.next())?.object;
  const text = (name: string): string => Buffer.from(filled?.data?.[name] ?? "", "base64").toString();
  assert.deepEqual([text("namespace"), text("ca.crt")], ["default", "CA"]);
  const who = () =>
    auth.authenticator.authenticate({
      headers: { authorization: `Bearer ${text("token")}` },
      peer: { address: "" },
    });
  assert.deepEqual((await who())?.name, "system:serviceaccount:default:robot");
  // Its use is recorded.
  let marked = filled;
  while (!marked?.metadata.labels) marked = (await watch.next())?.object;
  assert.match(marked.metadata.labels["kubernetes.io/legacy-token-last-used"] ?? "", /^\d{4}-\d\d-\d\d$/);
  await h.call("DELETE", `${base}/secrets/s`);
  await assert.rejects(async () => who(), { reason: "Unauthorized" });
  watch.close();
  stop.abort(new Error("done"));
  await maintained;
  await h.close();
});
