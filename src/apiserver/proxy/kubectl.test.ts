import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import { createServer as createHttp, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { renderKubeconfig } from "../../cluster/kubeconfig/entry.ts";
import { ensureCertificates } from "../../cluster/pki/cluster-certificates.ts";
import { createKubeletServer, type KubeletServer } from "../../kubelet/streaming/server.ts";
import { processBackend } from "../../kubelet/streaming/testing/process-backend.ts";
import { silentLogger, StatusError } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import { createProxy, type Proxy } from "./proxy.ts";

/** A pod, its node, and an API server around the proxy that is sufficient for kubectl. */
const kubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;
const skip = kubectl ? false : "kubectl is not installed";
const dir = mkdtempSync(join(tmpdir(), "proxy-"));
const made = ensureCertificates(
  dir,
  { apiserver: ["127.0.0.1"], kubelet: ["n1"], nodeName: "n1" },
  Date.now(),
);
const backend = processBackend();
const kubeconfig = join(dir, "kubeconfig");
let kubelet: KubeletServer;
let proxy: Proxy;
const api = createHttps({ ...made.apiserver, ca: made.ca });

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "default" },
  spec: { nodeName: "n1", containers: [{ name: "c", image: "i", stdin: true }] },
  status: { phase: "Running", containerStatuses: [{ name: "c", ready: true, state: { running: {} } }] },
};

const objects: ObjectReader = {
  get: (_group, resource, _namespace, name) => {
    if (resource === "pods" && name === "p") return pod as never;
    if (resource !== "nodes" || name !== "n1") return undefined;
    const status = {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
    };
    return { metadata: { name }, status } as never;
  },
  list: () => [],
  onChange: () => () => {},
};

function infoOf(request: IncomingMessage): RequestInfo {
  const url = new URL(request.url ?? "/", "https://x");
  const [, , , , , , name = "", subresource = "", ...rest] = url.pathname.split("/");
  return {
    isResource: true,
    path: url.pathname,
    verb: "create",
    apiGroup: "",
    apiVersion: "v1",
    namespace: "default",
    resource: url.pathname.split("/")[5] ?? "",
    name,
    subresource,
    rest: rest.join("/"),
    query: url.searchParams,
  };
}

const user = { name: "u", groups: [] };

before(async () => {
  kubelet = await createKubeletServer({
    tls: made.kubelet,
    clientCa: made.ca,
    host: "127.0.0.1",
    port: 0,
    backend,
    log: silentLogger,
  });
  proxy = createProxy({
    authorizer: { authorize: () => ({ allowed: true, reason: "" }) },
    kubelet: { ...made.clients["apiserver-kubelet"], ca: made.ca },
    random: () => 0,
  });
  const documents: Record<string, unknown> = {
    "/api": { kind: "APIVersions", versions: ["v1"] },
    "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [] },
    "/api/v1": {
      kind: "APIResourceList",
      groupVersion: "v1",
      resources: [
        { name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: ["get", "list"] },
      ],
    },
    "/api/v1/namespaces/default/pods/p": pod,
  };
  api.on("request", (request, response) => {
    const info = infoOf(request);
    const send = (code: number, value: unknown): void => {
      response.writeHead(code, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    };
    const special = proxy.special.get(`${info.resource}/${info.subresource}`);
    if (!special) {
      const document = documents[info.path];
      return send(document ? 200 : 404, document ?? new StatusError("NotFound", "not found").toStatus());
    }
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    special
      .handle({
        info,
        user,
        objects,
        request: { method: "GET", path: request.url ?? "", peer: { address: "" }, signal: gone.signal },
        object: () => ({}),
      })
      .then(async (answer) => {
        const { status, headers, body } = answer as {
          status: number;
          headers: Record<string, string>;
          body: AsyncIterable<Uint8Array>;
        };
        response.writeHead(status, headers);
        for await (const chunk of body) response.write(chunk);
        response.end();
      })
      .catch((error: StatusError) => {
        if (response.headersSent) response.destroy();
        else send(error.code, error.toStatus());
      });
  });
  api.on("upgrade", (request, socket, head) =>
    proxy.upgrades.handleUpgrade(request, socket, head, infoOf(request), user, objects),
  );
  api.listen(0, "127.0.0.1");
  await once(api, "listening");
  const { port } = api.address() as AddressInfo;
  const { cert, key } = made.clients.admin;
  writeFileSync(
    kubeconfig,
    renderKubeconfig({
      name: "t",
      server: `https://127.0.0.1:${port}`,
      ca: made.ca,
      clientCert: cert,
      clientKey: key,
    }),
  );
});

after(async () => {
  proxy.close();
  await kubelet.close();
  api.closeAllConnections();
  api.close();
  rmSync(dir, { recursive: true });
});

interface Ended {
  code: number;
  out: Buffer;
  err: string;
}

function start(args: string[], env: Record<string, string> = {}) {
  return spawn("kubectl", ["--kubeconfig", kubeconfig, "--cache-dir", dir, ...args], {
    env: { ...process.env, ...env },
  });
}

async function run(args: string[], input = "", env: Record<string, string> = {}): Promise<Ended> {
  const child = start(args, env);
  const out: Buffer[] = [];
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number];
  return { code, out: Buffer.concat(out), err };
}

const carriers = {
  WebSocket: {},
  SPDY: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false", KUBECTL_PORT_FORWARD_WEBSOCKETS: "false" },
};

for (const [carrier, env] of Object.entries(carriers) as [string, Record<string, string>][]) {
  test(`kubectl exec over ${carrier}: streams, stdin to its end, exit code`, { skip }, async () => {
    const got = await run(["exec", "p", "--", "sh", "-c", "echo out; echo err >&2; exit 7"], "", env);
    assert.equal(got.err, "err\ncommand terminated with exit code 7\n");
    assert.equal(got.out.toString(), "out\n");
    assert.equal(got.code, 7);
    const text = "x".repeat(300_000);
    const echoed = await run(["exec", "-i", "p", "--", "cat"], text, env);
    assert.equal(echoed.err, "");
    assert.equal(echoed.out.length, text.length);
    for (let i = 0; i < 3; i++) {
      // The command ends while kubectl is still sending: neither output nor exit code may be lost.
      const short = await run(["exec", "-i", "p", "--", "sh", "-c", "head -c 3; exit 4"], text, env);
      assert.deepEqual([short.code, short.out.toString()], [4, "xxx"]);
    }
    const missing = await run(["exec", "p", "-c", "nope", "--", "true"], "", env);
    assert.match(missing.err, /container nope is not valid for pod p|container not found/);
    assert.equal(missing.code, 1);
  });

  test(`kubectl cp over ${carrier}`, { skip }, async () => {
    const local = join(dir, `local-${carrier}`);
    writeFileSync(local, Buffer.alloc(1_000_000, 7));
    const there = join(dir, `there-${carrier}`);
    const up = await run(["cp", local, `p:${there}`], "", env);
    assert.equal(up.code, 0, up.err);
    const down = await run(["cp", `p:${there}`, `${local}.back`], "", env);
    assert.equal(down.code, 0, down.err);
    assert.deepEqual(readFileSync(`${local}.back`), readFileSync(local));
  });

  test(`kubectl port-forward over ${carrier}: several requests at once`, { skip }, async () => {
    const web = createHttp((request, response) => response.end(`you asked ${request.url}`));
    web.listen(0, "127.0.0.1");
    await once(web, "listening");
    const child = start(["port-forward", "p", `:${(web.address() as AddressInfo).port}`], env);
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(line.toString())?.[1]);
    const ask = (path: string): Promise<string> =>
      new Promise((resolve, reject) => {
        httpRequest({ host: "127.0.0.1", port, path, agent: false }, (answer) => {
          answer.setEncoding("utf8").once("data", resolve);
        })
          .on("error", reject)
          .end();
      });
    const answers = await Promise.all(["/a", "/b", "/c"].map(ask));
    assert.deepEqual(answers, ["you asked /a", "you asked /b", "you asked /c"]);
    child.kill("SIGINT");
    await once(child, "close");
    web.closeAllConnections();
    web.close();
  });
}

test("kubectl attach ends when its input does", { skip }, async () => {
  const got = await run(["attach", "-i", "p"], "hello\n");
  assert.match(got.out.toString(), /hello/);
  assert.equal(got.code, 0);
});

test("kubectl logs, also followed until interrupted", { skip }, async () => {
  const got = await run(["logs", "p", "--tail=5"]);
  assert.equal(got.out.toString(), "c tail=5\n");
  const child = start(["logs", "-f", "p"]);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  assert.equal(line.toString(), "c tail=all\n");
  child.kill("SIGINT");
  await once(child, "close");
});
