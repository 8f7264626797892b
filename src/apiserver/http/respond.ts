import type { Writable } from "node:stream";
import { promisify } from "node:util";
import { constants, createGzip, gzip } from "node:zlib";
import {
  type Answer,
  type Assembly,
  isAssembly,
  isPushStream,
  pieceBytes,
  type PushStream,
} from "../response.ts";
import type { Carrier } from "./carrier.ts";

const gzipBytes = promisify(gzip);
/** As in Kubernetes, smaller answers are not compressed. */
const gzipFrom = 128 * 1024;

/** Objects and lists of them. */
const packable: ReadonlySet<string> = new Set(["application/json", "application/vnd.kubernetes.protobuf"]);

/** Writes an answer to a connection. */
export async function respond(
  carrier: Carrier,
  answer: Answer,
  acceptEncoding: string | undefined,
  head: boolean,
): Promise<void> {
  const { status, headers, body } = answer;
  // Kubernetes matches the bare name only: with a weight it does not compress.
  const zips = acceptEncoding?.split(",").some((each) => each.trim() === "gzip") ?? false;
  if (body instanceof Uint8Array) {
    let bytes = body;
    if (zips && bytes.length >= gzipFrom && !head && !("content-encoding" in headers)) {
      bytes = await gzipBytes(bytes, { level: constants.Z_BEST_SPEED });
      packs(headers);
    }
    if (status !== 304 && status !== 204) headers["content-length"] = String(bytes.length);
    carrier.whole(status, headers, head ? undefined : bytes);
  } else if (head) carrier.whole(status, headers, undefined);
  else if (isPushStream(body)) {
    carrier.begin(status, headers);
    push(carrier.out, body);
  } else if (isAssembly(body)) {
    const packed = zips ? body.packed?.() : undefined;
    if (packed) {
      packs(headers);
      await pull(carrier, answer, packed, false);
    } else await assemble(carrier, answer, body, zips);
  } else await pull(carrier, answer, body, zips);
}

function packs(headers: Record<string, string>): void {
  headers["content-encoding"] = "gzip";
  headers.vary = headers.vary ? `${headers.vary}, Accept-Encoding` : "Accept-Encoding";
}

/** Sends the head and returns the stream for the body: a compressor if wanted. */
function opened({ out, begin }: Carrier, { status, headers, asIs = false }: Answer, zips: boolean): Writable {
  const zip =
    zips && !asIs && packable.has(headers["content-type"] ?? "") && !("content-encoding" in headers);
  const packer = zip ? createGzip({ level: constants.Z_BEST_SPEED }) : undefined;
  if (packer) {
    packs(headers);
    delete headers["content-length"];
    packer.pipe(out);
    // Otherwise a compressor would never finish after the client disconnected.
    out.once("close", () => packer.destroy());
  }
  begin(status, headers);
  return packer ?? out;
}

/** Reusable buffers for assembling parts. */
const scratches: Uint8Array[] = [];
const maxScratches = 8;

/** Part by part: the next is made when the buffer is free. */
async function assemble(carrier: Carrier, answer: Answer, body: Assembly, zips: boolean): Promise<void> {
  const target = opened(carrier, answer, zips);
  const scratch = scratches.pop() ?? Buffer.allocUnsafeSlow(pieceBytes);
  let lost = false;
  const written = (piece: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      const close = (): void => done(new Error("closed"));
      const done = (error: Error | null | undefined): void => {
        if (error) lost = true;
        target.off("close", close);
        resolve();
      };
      target.once("close", close);
      target.write(piece, done);
    });
  for (let piece = body.next(scratch); piece && !lost && !target.destroyed; piece = body.next(scratch)) {
    await written(piece);
  }
  // A part that was cut off may still be read.
  if (!lost && scratches.length < maxScratches) scratches.push(scratch);
  target.end();
}

/** Streams chunks at the client's pace. */
async function pull(
  carrier: Carrier,
  answer: Answer,
  body: AsyncIterable<Uint8Array>,
  zips: boolean,
): Promise<void> {
  const target = opened(carrier, answer, zips);
  const { out } = carrier;
  const gone = new AbortController();
  out.once("close", () => gone.abort());
  for await (const chunk of body) {
    if (gone.signal.aborted) break;
    if (!target.write(chunk)) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          target.removeListener("drain", go);
          gone.signal.removeEventListener("abort", go);
          resolve();
        };
        target.once("drain", go);
        gone.signal.addEventListener("abort", go, { once: true });
      });
    }
  }
  target.end();
}

/** Limit of unsent data of an ended watch; the client can resume from what it has. */
const hopelessBytes = 16 * 1024 * 1024;
/** Time for the client to read below the limit. */
const takeMs = 30_000;

/** Longer chunks are not copied. */
const longChunk = 64 * 1024;

/** A watch: writes of one turn of the event loop are sent together. */
function push(out: Writable, stream: PushStream): void {
  let chunks: Uint8Array[] = [];
  let waiting = 0;
  let scheduled = false;
  let over = false;
  const flush = (): void => {
    scheduled = false;
    if (chunks.length === 0 || over) return;
    const now = chunks;
    const bytes = waiting;
    chunks = [];
    waiting = 0;
    if (now.length === 1) out.write(now[0]);
    else if (bytes < longChunk) out.write(Buffer.concat(now, bytes));
    else {
      out.cork();
      for (const chunk of now) out.write(chunk);
      out.uncork();
    }
  };
  const stop = stream.start({
    write(chunk) {
      chunks.push(chunk);
      waiting += chunk.length;
      if (!scheduled) {
        scheduled = true;
        queueMicrotask(flush);
      }
    },
    writeParts(parts) {
      for (const part of parts) this.write(part);
    },
    end() {
      flush();
      over = true;
      if (out.writableLength > hopelessBytes) {
        out.destroy(new Error("the client takes its watch too slowly"));
        return;
      }
      out.end();
      if (out.writableFinished) return;
      const timer = setTimeout(() => out.destroy(), takeMs).unref();
      out.once("close", () => clearTimeout(timer));
    },
    get backlog() {
      return waiting + out.writableLength;
    },
    whenTaken(callback) {
      flush();
      if (out.writableNeedDrain) out.once("drain", callback);
      else setImmediate(callback);
    },
  });
  out.once("close", () => {
    over = true;
    stop();
  });
}
