/** What Redis answers. An error answer is an Error. */
export type Reply = string | number | null | Error | Reply[];

/** Cuts a byte stream into replies (RESP 2). */
export class ReplyReader {
  readonly #deliver: (reply: Reply) => void;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(deliver: (reply: Reply) => void) {
    this.#deliver = deliver;
  }

  write(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const found = parse(this.#buffer, 0);
      if (found === undefined) return;
      this.#buffer = this.#buffer.subarray(found.end);
      this.#deliver(found.reply);
    }
  }
}

interface Found {
  reply: Reply;
  end: number;
}

/** Undefined when the reply is not all there yet. */
function parse(buffer: Buffer, start: number): Found | undefined {
  const lineEnd = buffer.indexOf("\r\n", start);
  if (lineEnd < 0) return undefined;
  const line = buffer.toString("utf8", start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (String.fromCharCode(buffer[start] as number)) {
    case "+":
      return { reply: line, end };
    case "-":
      return { reply: new Error(line), end };
    case ":":
      return { reply: Number(line), end };
    case "$": {
      const length = Number(line);
      if (length < 0) return { reply: null, end };
      if (buffer.length < end + length + 2) return undefined;
      return { reply: buffer.toString("utf8", end, end + length), end: end + length + 2 };
    }
    case "*":
      return parseList(buffer, Number(line), end);
    default:
      throw new Error("redis answered in an unknown way");
  }
}

function parseList(buffer: Buffer, count: number, start: number): Found | undefined {
  if (count < 0) return { reply: null, end: start };
  const items: Reply[] = [];
  let end = start;
  for (let i = 0; i < count; i++) {
    const item = parse(buffer, end);
    if (item === undefined) return undefined;
    items.push(item.reply);
    end = item.end;
  }
  return { reply: items, end };
}
