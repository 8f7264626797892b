/** Encodes V8's profiles as pprof's messages (github.com/google/pprof/proto/profile.proto), for its tools. */
import type { HeapProfiler, Profiler } from "node:inspector";
import { gzipSync } from "node:zlib";
import { encodeMessage } from "../codec/protobuf/plain-message.ts";

type Members = [number, Uint8Array | string | number][];

interface Frame {
  functionName: string;
  url: string;
  lineNumber: number;
}

/** The tables that samples refer to: functions, locations and strings. */
class Tables {
  readonly members: Members = [];
  readonly #texts = new Map<string, number>([["", 0]]);
  readonly #places = new Map<string, number>();

  text(text: string): number {
    let at = this.#texts.get(text);
    if (at === undefined) {
      at = this.#texts.size;
      this.#texts.set(text, at);
    }
    return at;
  }

  /** The ID of a location; functions have the IDs of their locations. */
  place({ functionName, url, lineNumber }: Frame): number {
    const name = functionName || "(anonymous)";
    const line = Math.max(lineNumber + 1, 0);
    const key = `${name}\0${url}\0${line}`;
    let at = this.#places.get(key);
    if (at === undefined) {
      at = this.#places.size + 1;
      this.#places.set(key, at);
      const numbers: Members = [
        [1, at],
        [2, line],
      ];
      this.members.push([
        4,
        encodeMessage([
          [1, at],
          [4, encodeMessage(numbers)],
        ]),
      ]);
      const names: Members = [
        [1, at],
        [2, this.text(name)],
        [3, this.text(name)],
        [4, this.text(url)],
        [5, line],
      ];
      this.members.push([5, encodeMessage(names)]);
    }
    return at;
  }

  kind(type: string, unit: string): Buffer {
    return encodeMessage([
      [1, this.text(type)],
      [2, this.text(unit)],
    ]);
  }

  sample(stack: readonly number[], values: readonly number[]): void {
    const members: Members = [];
    for (const place of stack) members.push([1, place]);
    // Zero is significant in a list of values, so they are packed.
    members.push([2, packed(values)]);
    this.members.push([2, encodeMessage(members)]);
  }

  finish(more: Members): Buffer {
    const texts: Members = [...this.#texts.keys()].map((text) => [6, text]);
    // The first string must be empty.
    const whole = [
      encodeMessage(more),
      encodeMessage(this.members),
      Buffer.from([6 * 8 + 2, 0]),
      encodeMessage(texts),
    ];
    return gzipSync(Buffer.concat(whole));
  }
}

function packed(values: readonly number[]): Buffer {
  const bytes: number[] = [];
  for (let value of values) {
    while (value > 0x7f) {
      bytes.push((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    bytes.push(value);
  }
  return Buffer.from(bytes);
}

/** `began`: milliseconds since the epoch. */
export function cpuProfile(
  { nodes, samples = [], timeDeltas = [], ...times }: Profiler.Profile,
  began: number,
): Buffer {
  const tables = new Tables();
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const spent = new Map<number, [count: number, microseconds: number]>();
  samples.forEach((id, i) => {
    const sum = spent.get(id) ?? [0, 0];
    spent.set(id, [sum[0] + 1, sum[1] + Math.max(timeDeltas[i] ?? 0, 0)]);
  });
  const kinds: Members = [
    [1, tables.kind("samples", "count")],
    [1, tables.kind("cpu", "nanoseconds")],
  ];
  for (const [id, [count, microseconds]] of spent) {
    const stack: number[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = byId.get(at)?.callFrame;
      if (frame && frame.functionName !== "(root)") stack.push(tables.place(frame));
    }
    // Idle time is not CPU time.
    if (byId.get(id)?.callFrame.functionName !== "(idle)") tables.sample(stack, [count, microseconds * 1000]);
  }
  const microseconds = times.endTime - times.startTime;
  return tables.finish([
    ...kinds,
    [9, began * 1e6],
    [10, microseconds * 1000],
    [11, tables.kind("cpu", "nanoseconds")],
    [12, samples.length === 0 ? 0 : Math.round((microseconds * 1000) / samples.length)],
  ]);
}

/** `counted`: memory in use, or all allocations. */
export function heapProfile(
  { head }: HeapProfiler.SamplingHeapProfile,
  began: number,
  counted: "inuse_space" | "alloc_space",
): Buffer {
  const tables = new Tables();
  const kinds: Members = [[1, tables.kind(counted, "bytes")]];
  const visit = (node: typeof head, outer: readonly number[]): void => {
    const stack = node.callFrame.functionName === "(root)" ? outer : [tables.place(node.callFrame), ...outer];
    if (node.selfSize > 0) tables.sample(stack, [node.selfSize]);
    for (const child of node.children) visit(child, stack);
  };
  visit(head, []);
  return tables.finish([...kinds, [9, began * 1e6], [11, tables.kind("space", "bytes")]]);
}
