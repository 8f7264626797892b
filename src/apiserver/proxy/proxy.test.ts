import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttp, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { after, test } from "node:test";
import type { KubeObject } from "../../api/index.ts";
import type { TransportResponse } from "../../client/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import { prefixLinks } from "./html-links.ts";
import { createProxy } from "./proxy.ts";

const asked: string[] = [];
const proxy = createProxy({
  authorizer: {
    authorize({ verb, resource, subresource }) {
      asked.push(`${verb} ${resource}/${subresource}`);
      return { allowed: false, reason: "" };
    },
  },
  kubelet: { cert: "", key: "", ca: "" },
  random: () => 0,
});
const user = { name: "u", groups: [] };
const servers: { close(): void }[] = [];
after(() => {
  for (const server of servers) server.close();
  proxy.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function reader(stored: Record<string, KubeObject>): ObjectReader {
  return {
    get: (_g, resource, _n, name) => stored[`${resource}/${name}`] as never,
    list: () => Object.values(stored).filter((o) => o.kind === "EndpointSlice") as never,
    onChange: () => () => {},
  };
}

const info = (resource: string, name: string, rest: string, query = ""): RequestInfo => ({
  isResource: true,
  path: `/api/v1/namespaces/ns/${resource}/${name}/proxy${rest === "" ? "" : `/${rest}`}`,
  verb: "get",
  apiGroup: "",
  apiVersion: "v1",
  namespace: "ns",
  resource,
  subresource: "proxy",
  name,
  rest,
  query: new URLSearchParams(query),
});

/** A pod in the host's network may have a loopback address, which others are refused. */
const podAt = (port: number, hostNetwork = true) => ({
  "pods/p": {
    metadata: { name: "p" },
    spec: { hostNetwork, containers: [{ name: "c", ports: [{ name: "web", containerPort: port }] }] },
    status: { podIP: "127.0.0.1" },
  } as KubeObject,
});

async function ask(objects: ObjectReader, about: RequestInfo, method = "GET", body?: Uint8Array) {
  const handler = proxy.special.get(`${about.resource}/proxy`);
  const answer = (await handler?.handle({
    info: about,
    user,
    objects,
    request: {
      method,
      path: "",
      headers: { authorization: "Bearer secret", "x-mine": "1", host: "api" },
      peer: { address: "" },
      ...(body ? { body } : {}),
    },
    object: () => ({}),
  })) as TransportResponse;
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return { ...answer, text: Buffer.concat(chunks).toString() };
}

test("pods are reached with path, query, body and headers, but without the caller's credentials", async () => {
  const web = createHttp((request, response) => {
    const got: Buffer[] = [];
    request.on("data", (chunk: Buffer) => got.push(chunk));
    request.on("end", () => {
      const { authorization, "x-mine": mine } = request.headers;
      response.setHeader("location", "/there");
      response.statusCode = 302;
      response.end(
        JSON.stringify([request.method, request.url, authorization, mine, Buffer.concat(got).toString()]),
      );
    });
  });
  const objects = reader(podAt(await listen(web)));
  for (const name of ["p", "p:web", "http:p:web"]) {
    const got = await ask(objects, info("pods", name, "a/b", "x=1"), "POST", Buffer.from("body"));
    assert.deepEqual(JSON.parse(got.text), ["POST", "/a/b?x=1", null, "1", "body"]);
    assert.equal(got.headers["location"], `/api/v1/namespaces/ns/pods/${name}/proxy/there`);
  }
  const redirect = await ask(objects, info("pods", "p", "", "q=1"));
  assert.equal(redirect.status, 301);
  assert.equal(redirect.headers["location"], "/api/v1/namespaces/ns/pods/p/proxy/?q=1");
});

test("a service leads to a ready endpoint's own port", async () => {
  const web = createHttp((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end('<a href="/rewriteme">test</a>');
  });
  const port = await listen(web);
  const endpoint = (address: string, ready: boolean) => ({ addresses: [address], conditions: { ready } });
  const stored = {
    "services/s": { metadata: { name: "s" }, spec: { ports: [{ name: "http", port: 80 }] } },
    slice: {
      kind: "EndpointSlice",
      metadata: { labels: { "kubernetes.io/service-name": "s" } },
      ports: [{ name: "http", port }],
      endpoints: [endpoint("10.255.255.1", false)],
    },
  } as unknown as Record<string, KubeObject>;
  await assert.rejects(() => ask(reader(stored), info("services", "s:http", "x")), {
    reason: "ServiceUnavailable",
    message: 'no endpoints available for service "s:http"',
  });
  (stored["slice"] as unknown as { endpoints: object[] }).endpoints.push(endpoint("127.0.0.1", true));
  await assert.rejects(() => ask(reader(stored), info("services", "s:http", "x")), /address not allowed/);
});

test("links that begin at the root lead below the proxy", () => {
  assert.equal(
    prefixLinks(`<a class=x href="/a">t</a><img src='/b'><a href="//h/c"><p title="/d"><a href=e>`, "/p"),
    `<a class=x href="/p/a">t</a><img src='/p/b'><a href="//h/c"><p title="/d"><a href=e>`,
  );
});

/** An upgrade through the proxy to a backend that answers `head` and tells what it got after it. */
async function upgrade(head: string, stored: (port: number) => Record<string, KubeObject>) {
  let after = "";
  let ended = false;
  const backend = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("close", () => {
      ended = true;
    });
    socket.once("data", () => {
      socket.write(head);
      socket.on("data", (chunk: Buffer) => {
        after += chunk.toString();
        socket.write(`echo ${chunk}`);
      });
    });
  });
  const objects = reader(stored(await listen(backend)));
  const front = createHttp();
  front.on("upgrade", (request: IncomingMessage, socket: Socket, first: Buffer) =>
    proxy.upgrades.handleUpgrade(request, socket, first, info("pods", "p", "ws"), user, objects),
  );
  const client = connect(await listen(front), "127.0.0.1");
  client.on("error", () => {});
  let got = "";
  client.on("data", (chunk: Buffer) => {
    got += chunk.toString();
  });
  client.write("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  while (!got.includes("\r\n\r\n")) await once(client, "data");
  return { client, got: () => got, after: () => after, ended: () => ended };
}

test("an answer of 101 makes a tunnel", async () => {
  const tunnel = await upgrade(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Mine: 1\r\n\r\n",
    podAt,
  );
  assert.match(tunnel.got(), /^HTTP\/1.1 101 [^]*X-Mine: 1/);
  tunnel.client.write("hello");
  while (!tunnel.got().includes("echo hello")) await once(tunnel.client, "data");
  tunnel.client.destroy();
});

for (const answer of [
  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n",
]) {
  test(`an answer of ${answer.slice(9, 12)} gives the connection up (CVE-2018-1002105)`, async () => {
    const tunnel = await upgrade(answer, podAt);
    assert.match(tunnel.got(), /^HTTP\/1.1 500 /);
    assert.ok(!tunnel.got().includes("elsewhere"));
    tunnel.client.write("GET /secrets HTTP/1.1\r\n\r\n");
    if (!tunnel.client.closed) await once(tunnel.client, "close");
    assert.equal(tunnel.after(), "");
  });
}

test("a pod's status cannot lead the API server to its own machine (CVE-2020-8555)", async () => {
  await assert.rejects(() => ask(reader(podAt(80, false)), info("pods", "p", "x")), /address not allowed$/);
});

test("a WebSocket, which begins with GET, takes the right to create all the same", async () => {
  const front = createHttp();
  front.on("upgrade", (request: IncomingMessage, socket: Socket, first: Buffer) =>
    proxy.upgrades.handleUpgrade(
      request,
      socket,
      first,
      { ...info("pods", "p", ""), subresource: "exec" },
      user,
      reader(podAt(1)),
    ),
  );
  const client = connect(await listen(front), "127.0.0.1");
  client.write("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  let got = "";
  for await (const chunk of client) got += String(chunk);
  assert.match(got, /^HTTP\/1.1 403 /);
  assert.match(
    got,
    /User \\"u\\" cannot create resource \\"pods\/exec\\" in API group \\"\\" in the namespace \\"ns\\"/,
  );
  assert.deepEqual(asked, ["create pods/exec"]);
});
