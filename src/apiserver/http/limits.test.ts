import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { ServerHttp2Session } from "node:http2";
import { test } from "node:test";
import { SessionWatch } from "./limits.ts";

class FakeSession extends EventEmitter {
  readonly calls: string[] = [];
  destroyed = false;
  setTimeout(ms: number): void {
    this.calls.push(`timeout ${ms}`);
  }
  setLocalWindowSize(bytes: number): void {
    this.calls.push(`window ${bytes}`);
  }
  close(): void {
    this.calls.push("close");
  }
  destroy(): void {
    this.destroyed = true;
  }
}

function watched(): { session: FakeSession; watch: SessionWatch } {
  const session = new FakeSession();
  return { session, watch: new SessionWatch(session as unknown as ServerHttp2Session, 100) };
}

test("a connection that does not come to speak HTTP/2 ends sooner than one that rests", () => {
  const { session } = watched();
  assert.deepEqual(session.calls, ["window 26214400", "timeout 10000"]);
  session.emit("remoteSettings");
  assert.equal(session.calls.at(-1), "timeout 90000");
  session.emit("timeout");
  assert.ok(session.destroyed);
  assert.equal(session.calls.at(-1), "close");
});

test("a connection on which somebody watches does not rest, however quiet it is", () => {
  const { session, watch } = watched();
  session.emit("remoteSettings");
  watch.begin();
  watch.begin();
  watch.end(0);
  session.emit("timeout");
  assert.equal(session.destroyed, false);
  session.calls.length = 0;
  watch.end(0);
  assert.deepEqual(session.calls, ["timeout 90000"]);
  session.emit("timeout");
  assert.ok(session.destroyed);
});

test("a connection on which much was given up is ended once, in peace", () => {
  const { session, watch } = watched();
  const mebibyte = 1024 * 1024;
  for (let i = 0; i < 40; i++) {
    watch.begin();
    watch.end(mebibyte);
    assert.equal(session.calls.filter((call) => call === "close").length, i < 31 ? 0 : 1);
  }
  assert.equal(session.destroyed, false);
});
