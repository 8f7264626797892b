import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

/** As much of redis as the guestbook uses. */
class FakeRedis {
  readonly list: string[] = [];
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  port = 0;

  async start(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      let authorised = false;
      let text = "";
      socket.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        for (;;) {
          const lines = text.split("\r\n");
          const count = Number(lines[0]?.slice(1));
          if (text === "" || lines.length < count * 2 + 2) return;
          const words = lines.slice(1, count * 2 + 1).filter((_, at) => at % 2 === 1);
          text = lines.slice(count * 2 + 1).join("\r\n");
          authorised ||= words[0] === "AUTH" && words[1] === "secret";
          socket.write(authorised ? this.#answer(words) : "-NOAUTH Authentication required.\r\n");
        }
      });
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => {});
    });
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = this.#server && once(this.#server, "close");
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #answer([command, , ...rest]: string[]): string {
    if (command === "LPUSH") return `:${this.list.unshift(rest[0] ?? "")}\r\n`;
    if (command === "LRANGE") {
      const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
      return `*${this.list.length}\r\n${this.list.map(bulk).join("")}`;
    }
    return command === "PING" ? "+PONG\r\n" : "+OK\r\n";
  }
}

describe("the guestbook's frontend", () => {
  const redis = new FakeRedis();
  let child: ChildProcess;
  let url = "";

  before(async () => {
    await redis.start();
    child = spawn(process.execPath, [fileURLToPath(new URL("server.ts", import.meta.url))], {
      env: {
        PORT: "0",
        REDIS_HOST: "127.0.0.1",
        REDIS_SERVICE_PORT: String(redis.port),
        REDIS_PASSWORD: "secret",
        GUESTBOOK_TITLE: "Mine & <yours>",
        DRAIN_SECONDS: "0",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    assert.ok(child.stdout);
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    url = `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`;
  });
  after(async () => {
    child.kill("SIGKILL");
    await redis.stop();
  });

  const post = (body: string, type = "application/json") =>
    fetch(`${url}/entries`, { method: "POST", body, headers: { "content-type": type }, redirect: "manual" });

  it("keeps what is written, newest first", async () => {
    assert.deepEqual(await (await fetch(`${url}/entries`)).json(), []);
    assert.equal((await post('{"text":"one"}')).status, 201);
    // What curl -d sends.
    assert.equal((await post('{"text":"two"}', "application/x-www-form-urlencoded")).status, 201);
    const form = await post("text=%3Cb%3Ethree", "application/x-www-form-urlencoded");
    assert.deepEqual([form.status, form.headers.get("location")], [303, "/"]);
    const entries = (await (await fetch(`${url}/entries`)).json()) as { text: string; at: string }[];
    assert.deepEqual(
      entries.map(({ text }) => text),
      ["<b>three", "two", "one"],
    );
  });

  it("shows a page for people, with nothing taken for markup", async () => {
    const page = await (await fetch(url)).text();
    assert.match(page, /<h1>Mine &amp; &lt;yours&gt;<\/h1>/);
    assert.match(page, /<span>&lt;b&gt;three<\/span>/);
  });

  it("refuses what is no entry", async () => {
    for (const body of [
      "",
      "{}",
      "nonsense",
      '{"text":" "}',
      '{"text":5}',
      JSON.stringify({ text: "x".repeat(501) }),
    ]) {
      assert.equal((await post(body)).status, 400, body.slice(0, 20));
    }
    assert.equal((await post("x".repeat(20_000))).status, 413);
    assert.equal((await fetch(`${url}/nope`)).status, 404);
    assert.equal((await fetch(`${url}/entries`, { method: "DELETE" })).status, 405);
  });

  it("lives without redis, says so, and comes back by itself", async () => {
    await redis.stop();
    assert.deepEqual(
      await Promise.all(
        ["/healthz", "/readyz", "/entries", "/"].map(async (path) => (await fetch(url + path)).status),
      ),
      [200, 503, 503, 503],
    );
    await redis.start();
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    assert.equal(((await (await fetch(`${url}/entries`)).json()) as unknown[]).length, 3);
  });

  it("ends by itself on SIGTERM", async () => {
    child.kill("SIGTERM");
    const [code] = (await once(child, "exit")) as [number];
    assert.equal(code, 0);
  });
});
