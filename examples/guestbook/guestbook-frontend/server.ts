import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { type Entry, renderPage } from "./page.ts";
import { RedisClient } from "./redis-client.ts";

const env = process.env;
const title = env.GUESTBOOK_TITLE ?? "Guestbook";
const keep = Number(env.GUESTBOOK_ENTRIES ?? 100);
const key = "guestbook:entries";
const longestBody = 16 << 10;
const longestText = 500;

const redis = new RedisClient({
  // Not REDIS_PORT: Kubernetes sets that to "tcp://..." in pods beside a Service called redis.
  host: env.REDIS_HOST ?? "redis",
  port: Number(env.REDIS_SERVICE_PORT ?? 6379),
  ...(env.REDIS_PASSWORD ? { password: env.REDIS_PASSWORD } : {}),
});

let stopping = false;

const server = createServer((request, response) => {
  route(request, response).catch((error: Error) => {
    console.error(JSON.stringify({ message: "request failed", url: request.url, error: error.message }));
    if (!response.headersSent)
      json(response, 503, { error: "the guestbook's storage cannot be reached; try again in a moment" });
    else response.destroy();
  });
});

async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "/").split("?")[0];
  const what = `${request.method === "HEAD" ? "GET" : request.method} ${path}`;
  switch (what) {
    case "GET /": {
      const entries = await read().catch(() => undefined);
      send(
        response,
        entries === undefined ? 503 : 200,
        "text/html; charset=utf-8",
        renderPage(title, entries, hostname()),
      );
      return;
    }
    case "GET /entries":
      json(response, 200, await read());
      return;
    case "POST /entries":
      await add(request, response);
      return;
    case "GET /healthz":
      // Alive, whether or not redis is: restarting this process would not heal redis.
      send(response, 200, "text/plain", "ok\n");
      return;
    case "GET /readyz":
      if (stopping) send(response, 503, "text/plain", "stopping\n");
      else {
        await redis.send("PING");
        send(response, 200, "text/plain", "ready\n");
      }
      return;
    default:
      json(response, path === "/" || path === "/entries" ? 405 : 404, {
        error: `there is nothing at ${what}`,
      });
  }
}

/** Newest first. */
async function read(): Promise<Entry[]> {
  const rows = await redis.send("LRANGE", key, "0", String(keep - 1));
  return Array.isArray(rows) ? rows.map((row) => JSON.parse(String(row)) as Entry) : [];
}

async function add(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    json(response, 413, { error: `an entry may have ${longestText} characters` });
    return;
  }
  const type = request.headers["content-type"] ?? "";
  // curl -d calls everything a form, so what is JSON is taken as JSON.
  const fromForm = type.startsWith("application/x-www-form-urlencoded") && !body.startsWith("{");
  const text = fromForm ? new URLSearchParams(body).get("text") : textOf(body);
  if (typeof text !== "string" || text.trim() === "" || text.length > longestText) {
    json(response, 400, { error: `an entry is {"text": "..."} with 1 to ${longestText} characters` });
    return;
  }
  const entry: Entry = { text: text.trim(), at: new Date().toISOString() };
  await redis.send("LPUSH", key, JSON.stringify(entry));
  if (fromForm) {
    response.writeHead(303, { location: "/" }).end();
    return;
  }
  json(response, 201, entry);
}

function textOf(body: string): unknown {
  try {
    return (JSON.parse(body) as { text?: unknown } | null)?.text;
  } catch {
    return undefined;
  }
}

/** Undefined when it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > longestBody) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}

const json = (response: ServerResponse, status: number, value: unknown): void =>
  send(response, status, "application/json", `${JSON.stringify(value)}\n`);

/**
 * SIGTERM: answer what comes until Services have noticed that this pod goes, then finish what is under way and end.
 * The pod's terminationGracePeriodSeconds has to be longer.
 */
function stop(): void {
  if (stopping) return;
  stopping = true;
  const drainMs = Number(env.DRAIN_SECONDS ?? 1) * 1000;
  setTimeout(() => {
    server.close(() => {
      redis.close();
      process.exit(0);
    });
    server.closeIdleConnections();
  }, drainMs);
}

process.on("SIGTERM", stop);
process.on("SIGINT", stop);

server.keepAliveTimeout = 5000;
server.listen(Number(env.PORT ?? 8080), () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ message: "guestbook is listening", port, pod: hostname() }));
});
