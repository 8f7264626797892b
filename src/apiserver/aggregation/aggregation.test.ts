import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { createServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { until } from "../../testing/index.ts";
import { ca, clientCert, clientKey, serverCert, serverKey } from "../testing/certificates.ts";
import { type Harness, startHarness } from "../testing/harness.ts";

const apiServices = "/apis/apiregistration.k8s.io/v1/apiservices";

interface Seen {
  path: string;
  user: unknown;
  groups: unknown;
  authorization: unknown;
}

/** An extension server that serves the group wardle.example.com. */
async function extensionServer(t: TestContext): Promise<{ port: number; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer({ key: serverKey, cert: serverCert }, (request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const { headers } = request;
    seen.push({
      path,
      user: headers["x-remote-user"],
      groups: headers["x-remote-group"],
      authorization: headers.authorization,
    });
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const list = {
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion: "wardle.example.com/v1alpha1",
      resources: [
        {
          name: "flunders",
          singularName: "flunder",
          namespaced: true,
          kind: "Flunder",
          verbs: ["get", "list"],
        },
      ],
    };
    if (path === "/apis/wardle.example.com/v1alpha1") answer(200, list);
    else if (path.endsWith("/flunders"))
      answer(200, {
        kind: "FlunderList",
        apiVersion: "wardle.example.com/v1alpha1",
        metadata: {},
        items: [],
      });
    else
      answer(404, {
        kind: "Status",
        apiVersion: "v1",
        status: "Failure",
        code: 404,
        reason: "NotFound",
        message: "nothing here",
      });
  });
  // Echoes what it receives, after the user name.
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => {});
    if (request.url?.endsWith("/refused")) {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!");
      return;
    }
    const { headers } = request;
    const credentials = headers.authorization ?? headers["x-remote-group"]?.toString();
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
    socket.write(`${headers["x-remote-user"]} ${credentials} `);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

async function serve(t: TestContext): Promise<Harness> {
  const h = await startHarness();
  t.after(() => h.close());
  await h.call("POST", "/api/v1/namespaces", { metadata: { name: "ext" } });
  return h;
}

/** A Service whose only endpoint is on loopback. */
async function service(h: Harness, port: number): Promise<void> {
  await h.call("POST", "/api/v1/namespaces/ext/services", {
    metadata: { name: "api" },
    spec: { ports: [{ port: 443 }] },
  });
  const slices = "/apis/discovery.k8s.io/v1/namespaces/ext/endpointslices";
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "api-1", namespace: "ext", labels: { "kubernetes.io/service-name": "api" } },
    addressType: "IPv4",
    ports: [{ name: "", port }],
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
  };
  // Written to the store, since the API refuses endpoints on loopback.
  const key = "/registry/discovery.k8s.io/endpointslices/ext/api-1";
  const put = { type: "put", key, value: Buffer.from(JSON.stringify(slice)) } as const;
  await h.store.txn({ when: [], then: [put] });
  assert.equal((await h.call("GET", `${slices}/api-1`)).status, 200);
}

const registration = (more: object = {}) => ({
  metadata: { name: "v1alpha1.wardle.example.com" },
  spec: {
    group: "wardle.example.com",
    version: "v1alpha1",
    groupPriorityMinimum: 2000,
    versionPriority: 200,
    insecureSkipTLSVerify: true,
    service: { namespace: "ext", name: "api", port: 443 },
    ...more,
  },
});

const available = async (
  h: Harness,
): Promise<{ status: string; reason: string; message: string } | undefined> =>
  (await h.call("GET", `${apiServices}/v1alpha1.wardle.example.com`)).body.status?.conditions?.find(
    (each: { type: string }) => each.type === "Available",
  );

/** The version in aggregated discovery. */
async function discovered(h: Harness): Promise<{ freshness: string; resources?: object[] } | undefined> {
  const { body } = await h.call("GET", "/apis", undefined, {
    accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
  });
  return body.items.find(
    (each: { metadata: { name: string } }) => each.metadata.name === "wardle.example.com",
  )?.versions[0];
}

test("every group that is served here is registered, and available", async (t) => {
  const h = await serve(t);
  const items = (await h.call("GET", apiServices)).body.items as {
    metadata: { name: string };
    status: { conditions: { reason: string; status: string }[] };
  }[];
  const apps = items.find(({ metadata }) => metadata.name === "v1.apps");
  assert.deepEqual(
    apps?.status.conditions.map(({ reason, status }) => [reason, status]),
    [["Local", "True"]],
  );
});

test("without its Service an extension group is not available, and asking for it says so", async (t) => {
  const h = await serve(t);
  await h.call("POST", apiServices, registration());
  const condition = await until("its condition", async () => {
    const found = await available(h);
    return found?.reason === "ServiceNotFound" ? found : undefined;
  });
  assert.equal(condition.status, "False");
  const answer = await h.call("GET", "/apis/wardle.example.com/v1alpha1/namespaces/x/flunders");
  assert.equal(answer.status, 503);
  assert.equal(answer.text, "service unavailable\n");
  assert.deepEqual(await discovered(h), { version: "v1alpha1", freshness: "Stale" });
  // Other groups are not affected, and removed ones are gone.
  assert.equal((await h.call("GET", "/openapi/v2")).status, 200);
  await h.call("DELETE", `${apiServices}/v1alpha1.wardle.example.com`);
  assert.equal(await discovered(h), undefined);
  assert.equal((await h.call("GET", "/apis/wardle.example.com/v1alpha1")).status, 404);
});

test("requests for an extension group reach its server, with the user's name and without the credentials", async (t) => {
  // Closed in this order, since pending connections would block the other server.
  const h = await serve(t);
  const { port, seen } = await extensionServer(t);
  await service(h, port);
  await h.call("POST", apiServices, registration());
  await until("availability", async () => (await available(h))?.status === "True");
  const answer = await h.call("GET", "/apis/wardle.example.com/v1alpha1/namespaces/x/flunders", undefined, {
    authorization: "Bearer secret",
  });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.kind, "FlunderList");
  const last = seen.findLast(({ path }) => path.endsWith("/flunders"));
  assert.deepEqual([last?.user, last?.groups, last?.authorization], ["admin", "system:masters", undefined]);
  const groups = await until("its group", async () => {
    const { body } = await h.call("GET", "/apis");
    return body.groups.find((each: { name: string }) => each.name === "wardle.example.com");
  });
  assert.equal(groups.preferredVersion.version, "v1alpha1");
  const current = await until("its documents", async () => {
    const found = await discovered(h);
    return found?.freshness === "Current" ? found : undefined;
  });
  assert.deepEqual(
    current.resources?.map((each) => (each as { resource: string }).resource),
    ["flunders"],
  );
});

test("a connection that is upgraded leads to the extension server, with the user's name", async (t) => {
  const h = await serve(t);
  const { port } = await extensionServer(t);
  await service(h, port);
  await h.call("POST", apiServices, registration());
  await until("availability", async () => (await available(h))?.status === "True");
  const tls = { key: serverKey, cert: serverCert, clientCa: ca };
  const own = await h.server.listen({ host: "127.0.0.1", port: 0, tls });
  const upgrade = (name: string) =>
    httpsRequest({
      host: "127.0.0.1",
      port: own.port,
      path: `/apis/wardle.example.com/v1alpha1/namespaces/x/flunders/${name}`,
      headers: { connection: "Upgrade", upgrade: "echo", "x-remote-user": "forged" },
      ca,
      cert: clientCert,
      key: clientKey,
      agent: false,
    });
  const said = await new Promise<string>((resolve, reject) => {
    const call = upgrade("a");
    call.once("error", reject);
    call.once("upgrade", (_answer, socket, head) => {
      let text = head.toString();
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (!text.endsWith("ping")) return;
        socket.destroy();
        resolve(text);
      });
      socket.write("ping");
    });
    call.end();
  });
  assert.match(said, /^alice system:masters.* ping$/);
  const refused = await new Promise<number | undefined>((resolve, reject) => {
    const call = upgrade("refused");
    call.once("error", reject);
    call.once("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    call.end();
  });
  assert.equal(refused, 403);
});
