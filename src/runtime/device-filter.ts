import type { SpecResources } from "./spec.ts";

/** Fields of struct bpf_insn. */
type Instruction = [code: number, destination: number, source: number, offset: number, immediate: number];

const loadWord = 0x61; // dst = *(u32 *)(src + offset)
const andImmediate = 0x57;
const shiftRight = 0x77;
const moveImmediate = 0xb7;
const moveRegister = 0xbf;
const jumpNotEqual = 0x55;
const jumpNotEqualRegister = 0x5d;
const exit = 0x95;

/** BPF_DEVCG_*, linux/bpf.h */
const types = { b: 1, c: 2 } as const;
const accessBits: Record<string, number> = { m: 1, r: 2, w: 4 };

// The context: access << 16 | type, major, minor.
const [verdict, context, type, access, major, minor] = [0, 1, 2, 3, 4, 5];

/**
 * An eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE) for cgroup v2, equivalent to v1's device files: the last matching rule decides,
 * and without a match access is denied. Undefined when everything is allowed.
 */
export function deviceFilter(rules: NonNullable<SpecResources["devices"]>): Buffer | undefined {
  const isAll = (rule: (typeof rules)[number]): boolean => !rule.type || rule.type === "a";
  const start = rules.findLastIndex(isAll);
  const fallback = rules[start]?.allow ?? false;
  const narrow = rules.slice(start + 1);
  if (fallback && narrow.every((rule) => rule.allow)) return undefined;
  const code: Instruction[] = [
    [loadWord, type, context, 0, 0],
    [andImmediate, type, 0, 0, 0xffff],
    [loadWord, access, context, 0, 0],
    [shiftRight, access, 0, 0, 16],
    [loadWord, major, context, 4, 0],
    [loadWord, minor, context, 8, 0],
  ];
  for (const rule of narrow.toReversed()) code.push(...ruleCode(rule));
  code.push([moveImmediate, verdict, 0, 0, fallback ? 1 : 0], [exit, 0, 0, 0, 0]);
  const out = Buffer.alloc(code.length * 8);
  for (const [index, [op, destination, source, offset, immediate]] of code.entries()) {
    out.writeUInt8(op, index * 8);
    out.writeUInt8(destination | (source << 4), index * 8 + 1);
    out.writeInt16LE(offset, index * 8 + 2);
    out.writeInt32LE(immediate, index * 8 + 4);
  }
  return out;
}

function ruleCode(rule: NonNullable<SpecResources["devices"]>[number]): Instruction[] {
  /** Jumps out of a rule are patched when its length is known. */
  const tests: Instruction[] = [];
  if (rule.type === "b" || rule.type === "c") tests.push([jumpNotEqual, type, 0, 0, types[rule.type]]);
  const allowed = [...(rule.access ?? "rwm")].reduce((bits, letter) => bits | (accessBits[letter] ?? 0), 0);
  if (allowed !== 7) {
    // Allowed if all requested bits match; denied if any does.
    tests.push([moveRegister, context, access, 0, 0], [andImmediate, context, 0, 0, allowed]);
    if (rule.allow) tests.push([jumpNotEqualRegister, context, access, 0, 0]);
    else tests.push([0x15, context, 0, 0, 0]);
  }
  if (rule.major !== undefined) tests.push([jumpNotEqual, major, 0, 0, rule.major]);
  if (rule.minor !== undefined) tests.push([jumpNotEqual, minor, 0, 0, rule.minor]);
  const body: Instruction[] = [
    ...tests,
    [moveImmediate, verdict, 0, 0, rule.allow ? 1 : 0],
    [exit, 0, 0, 0, 0],
  ];
  const isJump = (code: number): boolean =>
    code === jumpNotEqual || code === jumpNotEqualRegister || code === 0x15;
  return body.map(([code, dst, src, offset, immediate], index) => [
    code,
    dst,
    src,
    isJump(code) ? body.length - index - 1 : offset,
    immediate,
  ]);
}
