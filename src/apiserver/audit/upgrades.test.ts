import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { connect } from "node:tls";
import { auditBy, recorder } from "../testing/audit.ts";
import { ca, clientCert, clientKey, serverCert, serverKey } from "../testing/certificates.ts";
import { startHarness } from "../testing/harness.ts";
import type { AuditEvent } from "./event.ts";

test("who may not have his connection become something else is recorded like anybody who is refused", async (t) => {
  const events: AuditEvent[] = [];
  const audit = auditBy(
    [{ level: "Metadata" }],
    recorder((event) => events.push(event)),
  );
  const h = await startHarness({
    audit,
    upgrades: {
      takes: ({ subresource }) => subresource === "exec",
      handleUpgrade: (_message, socket) => void socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    },
    authorizer: { authorize: ({ name }) => ({ allowed: name !== "no", reason: "" }) },
  });
  t.after(() => h.close());
  const tls = { key: serverKey, cert: serverCert, clientCa: ca };
  const { port } = await h.server.listen({ host: "127.0.0.1", port: 0, tls });
  const stages = async (pod: string): Promise<unknown[]> => {
    const socket = connect({ port, ca, key: clientKey, cert: clientCert, ALPNProtocols: ["http/1.1"] });
    socket.resume();
    socket.write(
      `GET /api/v1/namespaces/default/pods/${pod}/exec?command=sh HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    await once(socket, "close");
    const found = events.filter(({ objectRef }) => objectRef?.name === pod);
    return found.map(({ stage, responseStatus }) => [
      stage,
      (responseStatus as { code?: number } | undefined)?.code,
    ]);
  };
  const begun = ["RequestReceived", undefined];
  assert.deepEqual(await stages("no"), [begun, ["ResponseStarted", 403], ["ResponseComplete", 403]]);
  assert.deepEqual((await stages("yes")).slice(0, 2), [begun, ["ResponseStarted", 101]]);
});
