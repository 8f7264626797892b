import type { Http2ServerResponse } from "node:http2";
import type { ServerResponse } from "node:http";
import { promisify } from "node:util";
import { constants, createGzip, gzip } from "node:zlib";
import { type Answer, isPushStream, type PushStream } from "../response.ts";

const gzipBytes = promisify(gzip);
/** Smaller answers are not worth the time, as in Kubernetes. */
const gzipFrom = 128 * 1024;

type Response = ServerResponse | Http2ServerResponse;

/** Writes an answer to a connection. */
export async function respond(
  connection: Response,
  answer: Answer,
  acceptEncoding: string | undefined,
  head: boolean,
): Promise<void> {
  // Both have the same methods; their overloads do not unite.
  const response = connection as ServerResponse;
  const { status, headers, body } = answer;
  // Kubernetes takes the bare name alone: with a weight it does not compress.
  const zips = acceptEncoding?.split(",").some((each) => each.trim() === "gzip") ?? false;
  if (body instanceof Uint8Array) {
    let bytes = body;
    if (zips && bytes.length >= gzipFrom && !head) {
      bytes = await gzipBytes(bytes, { level: constants.Z_BEST_SPEED });
      headers["content-encoding"] = "gzip";
      headers.vary = headers.vary ? `${headers.vary}, Accept-Encoding` : "Accept-Encoding";
    }
    if (status !== 304 && status !== 204) headers["content-length"] = String(bytes.length);
    response.writeHead(status, headers);
    response.end(head ? undefined : bytes);
    return;
  }
  if (isPushStream(body)) {
    response.writeHead(status, headers);
    if (head) response.end();
    else push(response, body);
    return;
  }
  if (head) {
    response.writeHead(status, headers);
    response.end();
    return;
  }
  await pull(response, answer, body, zips);
}

/** Chunks as they come, at the pace the client takes them. */
async function pull(
  response: ServerResponse,
  { status, headers, asIs = false }: Answer,
  body: AsyncIterable<Uint8Array>,
  zips: boolean,
): Promise<void> {
  const zip =
    zips && !asIs && headers["content-type"] === "application/json" && !("content-encoding" in headers);
  const packer = zip ? createGzip({ level: constants.Z_BEST_SPEED }) : undefined;
  if (packer) {
    headers["content-encoding"] = "gzip";
    delete headers["content-length"];
    packer.pipe(response);
  }
  response.writeHead(status, headers);
  if (!packer) response.flushHeaders();
  const target = packer ?? response;
  const gone = new AbortController();
  response.once("close", () => gone.abort());
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

/** A watch: what is written in one turn of the loop goes out together. */
function push(response: ServerResponse, stream: PushStream): void {
  let chunks: Uint8Array[] = [];
  let waiting = 0;
  let scheduled = false;
  let over = false;
  const flush = (): void => {
    scheduled = false;
    if (chunks.length === 0 || over) return;
    const bytes = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
    chunks = [];
    waiting = 0;
    response.write(bytes);
  };
  response.flushHeaders();
  const stop = stream.start({
    write(chunk) {
      chunks.push(chunk);
      waiting += chunk.length;
      if (!scheduled) {
        scheduled = true;
        queueMicrotask(flush);
      }
    },
    end() {
      flush();
      over = true;
      response.end();
    },
    get backlog() {
      return waiting + response.writableLength;
    },
  });
  response.once("close", () => {
    over = true;
    stop();
  });
}
