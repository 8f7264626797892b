/** A collector of spans on loopback (OTLP by gRPC), for tests. */
import assert from "node:assert/strict";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { bytesOf, decodeMessage, type Fields, numberOf, textOf } from "../codec/protobuf/plain-message.ts";

export interface SeenSpan {
  traceId: string;
  spanId: string;
  parentId: string;
  name: string;
  kind: number;
  attributes: Record<string, string | number>;
  /** Traces that it names besides its own. */
  links: string[];
  failed: boolean;
}

export interface Collector {
  /** host:port */
  endpoint: string;
  paths: string[];
  resources: Record<string, string | number>[];
  spans: SeenSpan[];
}

const messages = (fields: Fields, number: number): Fields[] =>
  (fields.get(number) ?? []).map((each) => decodeMessage(each as Uint8Array));

const attributesOf = (fields: Fields, number: number): Record<string, string | number> =>
  Object.fromEntries(
    messages(fields, number).map((pair) => {
      const value = decodeMessage(bytesOf(pair, 2));
      return [textOf(pair, 1), value.has(3) ? numberOf(value, 3) : textOf(value, 1)];
    }),
  );

const hex = (fields: Fields, number: number): string => bytesOf(fields, number).toString("hex");

const spanOf = (span: Fields): SeenSpan => ({
  traceId: hex(span, 1),
  spanId: hex(span, 2),
  parentId: hex(span, 4),
  name: textOf(span, 5),
  kind: numberOf(span, 6),
  attributes: attributesOf(span, 9),
  links: messages(span, 13).map((link) => hex(link, 1)),
  failed: messages(span, 15).some((status) => numberOf(status, 3) === 2),
});

export async function collect(t: TestContext): Promise<Collector> {
  const seen: Collector = { endpoint: "", paths: [], resources: [], spans: [] };
  const server = createServer();
  server.on("stream", (stream, headers) => {
    const parts: Buffer[] = [];
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("end", () => {
      const frame = Buffer.concat(parts);
      assert.equal(frame.readUInt32BE(1), frame.length - 5);
      seen.paths.push(String(headers[":path"]));
      for (const group of messages(decodeMessage(frame.subarray(5)), 1)) {
        for (const resource of messages(group, 1)) seen.resources.push(attributesOf(resource, 1));
        for (const scope of messages(group, 2)) seen.spans.push(...messages(scope, 2).map(spanOf));
      }
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.alloc(5));
    });
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  seen.endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return seen;
}
