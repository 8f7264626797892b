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
import { movedLocation } from "./backend-path.ts";
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
  // Backends of these tests are on loopback.
  allows: () => true,
});
const strict = createProxy({
  authorizer: { authorize: () => ({ allowed: true, reason: "" }) },
  kubelet: { cert: "", key: "", ca: "" },
  random: () => 0,
});
const user = { name: "u", groups: [] };
const servers: { close(): void }[] = [];
after(() => {
  for (const server of servers) server.close();
  proxy.close();
  strict.close();
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

const podAt = (port: number, ip = "127.0.0.1", hostNetwork = false) => ({
  "pods/p": {
    metadata: { name: "p" },
    spec: { hostNetwork, containers: [{ name: "c", ports: [{ name: "web", containerPort: port }] }] },
    status: { podIP: ip, podIPs: [{ ip }] },
  } as KubeObject,
});

async function ask(objects: ObjectReader, about: RequestInfo, method = "GET", body?: Uint8Array, by = proxy) {
  const handler = by.special.get(`${about.resource}/proxy`);
  const answer = (await handler?.handle({
    info: about,
    user,
    objects,
    request: {
      method,
      path: about.query.size === 0 ? about.path : `${about.path}?${about.query}`,
      headers: {
        authorization: "Bearer secret",
        "impersonate-user": "x",
        "x-remote-user": "admin",
        "x-mine": "1",
        host: "api",
      },
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
      const { authorization, "x-mine": mine, "x-remote-user": remote } = request.headers;
      assert.equal(remote ?? request.headers["impersonate-user"], undefined);
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

test("an answer whose status cannot be handed on is an error, as is one of another protocol", async () => {
  let line = "";
  const backend = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(`HTTP/1.1 ${line}\r\nContent-Length: 2\r\n\r\nhi`));
  });
  const objects = reader(podAt(await listen(backend)));
  const cases: [line: string, code: number, message: RegExp][] = [
    ["000 X", 502, /answered with the status 0$/],
    ["099 X", 502, /answered with the status 99$/],
    ["600 X", 502, /answered with the status 600$/],
    [
      "101 X\r\nConnection: upgrade\r\nUpgrade: boat",
      503,
      /tried to switch protocol "boat" when "" was requested$/,
    ],
  ];
  for (const [given, code, message] of cases) {
    line = given;
    await assert.rejects(ask(objects, info("pods", "p", "x")), { code, message }, given);
  }
  line = "599 X";
  assert.equal((await ask(objects, info("pods", "p", "x"))).text, "hi");
});

test("a service leads to a ready endpoint's own port", async () => {
  const web = createHttp((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end('<a href="/rewriteme">test</a>');
  });
  const port = await listen(web);
  const endpoint = (address: string, ready: boolean, pod?: string) => ({
    addresses: [address],
    conditions: { ready },
    ...(pod ? { targetRef: { kind: "Pod", namespace: "ns", name: pod } } : {}),
  });
  const stored = {
    ...podAt(1),
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
  const { endpoints } = stored["slice"] as unknown as { endpoints: object[] };
  const nothing = { message: 'no endpoints available for service "s:http"' };
  // EndpointSlices can have arbitrary addresses.
  endpoints.push(
    endpoint("127.0.0.1", true),
    endpoint("127.0.0.2", true, "p"),
    endpoint("127.0.0.1", true, "q"),
  );
  await assert.rejects(() => ask(reader(stored), info("services", "s:http", "x")), nothing);
  endpoints.push(endpoint("127.0.0.1", true, "p"));
  for (const name of ["s:http", "s:80", "http:s:http"])
    assert.match((await ask(reader(stored), info("services", name, "x"))).text, /proxy\/rewriteme/);
  const byStrict = () => ask(reader(stored), info("services", "s:http", "x"), "GET", undefined, strict);
  await assert.rejects(byStrict, nothing);
  await assert.rejects(() => ask(reader(stored), info("services", "s:81", "x")), {
    message: 'no service port 81 found for service "s"',
  });
  await assert.rejects(() => ask(reader({}), info("services", "s:http", "x")), {
    message: 'services "s" not found',
  });
  const waiting = { "services/s": stored["services/s"], "endpoints/s": { metadata: { name: "s" } } };
  await assert.rejects(
    () => ask(reader(waiting as Record<string, KubeObject>), info("services", "s:http", "x")),
    {
      message: 'no endpoints available for service "s"',
    },
  );
});

test("links that begin at the root lead below the proxy", () => {
  assert.equal(
    prefixLinks(`<a class=x href="/a">t</a><img src='/b'><a href="//h/c"><p title="/d"><a href=e>`, "/p"),
    `<a class=x href="/p/a">t</a><img src='/p/b'><a href="//h/c"><p title="/d"><a href=e>`,
  );
});

/** An upgrade through the proxy to a backend that answers `head` and records what follows. */
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

const ownAddresses = [
  "127.0.0.1",
  "127.8.8.8",
  "0.0.0.0",
  "169.254.169.254",
  "224.0.0.1",
  "255.255.255.255",
  "::1",
  "::",
  "fe80::1",
  "ff02::1",
  "::ffff:127.0.0.1",
  "::ffff:169.254.169.254",
];

test("a pod's status cannot lead the API server to its own machine (CVE-2020-8555)", async () => {
  for (const ip of [...ownAddresses, "localhost", ""])
    for (const hostNetwork of [true, false])
      await assert.rejects(
        () => ask(reader(podAt(80, ip, hostNetwork)), info("pods", "p", "x"), "GET", undefined, strict),
        { code: 400, message: "address not allowed" },
      );
});

test("nor can a node's (CVE-2022-3294)", async () => {
  for (const address of [...ownAddresses, "localhost"]) {
    const node = { metadata: { name: "n" }, status: { addresses: [{ type: "InternalIP", address }] } };
    const objects = reader({ "nodes/n": node as KubeObject });
    for (const name of ["n", "n:10250", "http:n:10257"])
      await assert.rejects(() => ask(objects, info("nodes", name, "x"), "GET", undefined, strict), {
        code: 400,
        message: "address not allowed",
      });
  }
});

test("a node's other ports are reached without the kubelet's credentials", async () => {
  const web = createHttp((request, response) => response.end(`${request.url}`));
  const port = await listen(web);
  const addresses = [{ type: "InternalIP", address: "127.0.0.1" }];
  const objects = reader({ "nodes/n": { metadata: { name: "n" }, status: { addresses } } as KubeObject });
  assert.equal((await ask(objects, info("nodes", `n:${port}`, "metrics", "a=1"))).text, "/metrics?a=1");
});

test("no path leads above the backend's root, however it is written, and none is a request of its own", async () => {
  const web = createHttp((request, response) => response.end(request.url));
  const objects = reader(podAt(await listen(web)));
  for (const [rest, seen] of [
    ["../../../api/v1/secrets", "/api/v1/secrets"],
    ["%2e%2e/%2E%2E/x", "/x"],
    ["a/..%2f..%2fb", "/b"],
    ["a//b/./c/", "/a/b/c/"],
    ["a%2Fb", "/a/b"],
    ["a%3Fb%23c", "/a%3Fb%23c"],
    ["x%0d%0aHost:%20evil%0d%0a", "/x%0D%0AHost:%20evil%0D%0A"],
    ["%C3%BC (1)", "/%C3%BC%20%281%29"],
    ["$&+,:;=@", "/$&+,:;=@"],
  ] as const)
    assert.equal((await ask(objects, info("pods", "p", rest))).text, seen, rest);
});

test("a port that is none is told, and nothing is tried", async () => {
  for (const [port, why] of [
    ["99999", "dial tcp: address 99999: invalid port"],
    ["0x50", "dial tcp: lookup tcp/0x50: unknown port"],
    ["-1", "dial tcp: lookup tcp/-1: unknown port"],
  ])
    await assert.rejects(() => ask(reader(podAt(80)), info("pods", `p:${port}`, "x")), {
      code: 503,
      message: `error trying to reach service: ${why}`,
    });
});

test("redirects stay below the proxy where they stay with the backend, and are nobody's to follow otherwise", () => {
  const moved = (location: string): string => movedLocation(location, "/p/proxy", "10.0.0.1:80", "api:6443");
  assert.equal(moved("/there?a#b"), "/p/proxy/there?a#b");
  assert.equal(moved("/p/proxy/there"), "/p/proxy/there");
  assert.equal(moved("/there/"), "/p/proxy/there/");
  assert.equal(moved("http://10.0.0.1:80/there"), "/p/proxy/there");
  assert.equal(moved("https://api:6443/there"), "https://api:6443/p/proxy/there");
  for (const elsewhere of ["there", "../there", "http://evil/there", "//evil/there", "javascript:x"])
    assert.equal(moved(elsewhere), elsewhere);
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
