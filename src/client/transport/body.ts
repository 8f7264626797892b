import { type Status, StatusError, statusCodes, type StatusReason } from "../../machinery/index.ts";
import type { TransportResponse } from "../transport.ts";

/** The whole body as text. */
export async function bodyText(body: AsyncIterable<Uint8Array>): Promise<string> {
  let first: Uint8Array | undefined;
  let rest: Uint8Array[] | undefined;
  for await (const chunk of body) {
    if (!first) first = chunk;
    else if (rest) rest.push(chunk);
    else rest = [first, chunk];
  }
  if (!first) return "";
  const whole = rest ? Buffer.concat(rest) : Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  return whole.toString("utf8");
}

/** The body as JSON; throws the StatusError of an error response. */
export async function readJson<T>(response: TransportResponse): Promise<T> {
  const text = await bodyText(response.body);
  if (response.status >= 200 && response.status < 300) return (text === "" ? {} : JSON.parse(text)) as T;
  throw statusError(response.status, text);
}

/** Responses other than `Status` (a proxy's page, plain text) are converted, with the reason for their code. */
export function statusError(code: number, text: string): StatusError {
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === "Status") return StatusError.fromStatus(status);
  } catch {
    // Plain text.
  }
  const reason = (Object.keys(statusCodes) as (keyof typeof statusCodes)[]).find(
    (each) => statusCodes[each] === code,
  );
  const known: StatusReason = code === 500 ? "InternalError" : (reason ?? "");
  return new StatusError(known, text.trim() || `the server answered ${code}`, { code });
}

const newline = 0x0a;

/** Lines of a text stream, without line ends; an incomplete last line counts. */
export async function* textLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let parts: Uint8Array[] = [];
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const piece = chunk.subarray(start, end);
      start = end + 1;
      if (parts.length === 0) yield decode(piece);
      else {
        parts.push(piece);
        const line = Buffer.concat(parts);
        parts = [];
        yield decode(line);
      }
    }
    if (start < chunk.length) parts.push(start === 0 ? chunk : chunk.subarray(start));
  }
  if (parts.length > 0) yield decode(Buffer.concat(parts));
}

const decode = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
