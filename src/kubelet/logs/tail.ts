import { open } from "node:fs/promises";
import { parseLogLine } from "./cri-line.ts";

const block = 64 * 1024;

/** Byte offset of the last `count` complete lines of a CRI log. Partial entries belong to the line they end in. */
export async function tailOffset(path: string, count: number): Promise<number> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (count <= 0) return size;
    let position = size;
    let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0);
    let found = 0;
    let start = size;
    while (position > 0) {
      const length = Math.min(block, position);
      position -= length;
      const chunk = Buffer.alloc(length);
      await file.read(chunk, 0, length, position);
      const data = Buffer.concat([chunk, rest]);
      // Entries from the end; the first one of the block may be incomplete, unless the file begins there.
      let end = data.length;
      for (;;) {
        const newline = end < 2 ? -1 : data.lastIndexOf(10, end - 2);
        if (newline < 0 && position > 0) break;
        const begin = newline + 1;
        const entry = end > begin ? parseLogLine(data.subarray(begin, end)) : undefined;
        if (entry && !entry.partial && ++found > count) return start;
        start = position + begin;
        if (newline < 0) return 0;
        end = begin;
      }
      rest = data.subarray(0, end);
    }
    return 0;
  } finally {
    await file.close();
  }
}

/** The content of the last lines, each with its line feed. */
export async function tailLines(path: string, count: number): Promise<Buffer[]> {
  const offset = await tailOffset(path, count);
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const data = Buffer.alloc(Math.max(0, size - offset));
    await file.read(data, 0, data.length, offset);
    const out: Buffer[] = [];
    for (let at = 0; at < data.length; ) {
      const newline = data.indexOf(10, at);
      const end = newline < 0 ? data.length : newline + 1;
      const entry = parseLogLine(data.subarray(at, end));
      if (entry) out.push(entry.partial ? stripNewline(entry.content) : entry.content);
      at = end;
    }
    return out;
  } finally {
    await file.close();
  }
}

export function stripNewline(content: Buffer): Buffer {
  return content[content.length - 1] === 10 ? content.subarray(0, -1) : content;
}
