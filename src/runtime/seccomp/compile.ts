import type { SeccompAction, SeccompRule, SpecSeccomp } from "../spec.ts";
import { syscalls as arm64 } from "./syscalls-arm64.ts";
import { syscalls as x64 } from "./syscalls-x64.ts";

export type Architecture = "x64" | "arm64";

/** AUDIT_ARCH_*, linux/audit.h */
const auditArchitectures: Record<Architecture, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };
const tables: Record<Architecture, string> = { x64, arm64 };
const parsed = new Map<Architecture, Map<string, number>>();

export function syscallNumbers(architecture: Architecture): Map<string, number> {
  let table = parsed.get(architecture);
  if (!table) {
    const pairs = tables[architecture].trim().split(/\s+/);
    table = new Map(pairs.map((pair) => [pair.split(":")[0] ?? "", Number(pair.split(":")[1])]));
    parsed.set(architecture, table);
  }
  return table;
}

/** One struct sock_filter. */
type Instruction = [code: number, jumpTrue: number, jumpFalse: number, k: number];

const load = (offset: number): Instruction => [0x20, 0, 0, offset]; // BPF_LD|BPF_W|BPF_ABS
const and = (mask: number): Instruction => [0x54, 0, 0, mask]; // BPF_ALU|BPF_AND|BPF_K
const ret = (value: number): Instruction => [0x06, 0, 0, value];
const jumpEqual = 0x15;
const jumpGreater = 0x25;
const jumpGreaterEqual = 0x35;

/** struct seccomp_data: nr, arch, instruction pointer, six arguments of 64 bits, little-endian here. */
const numberOffset = 0;
const architectureOffset = 4;
const argumentOffset = (index: number): number => 16 + 8 * index;

const enosys = 38;

function actionValue(action: SeccompAction, errno = 1): number {
  switch (action) {
    case "SCMP_ACT_ALLOW":
      return 0x7fff0000;
    case "SCMP_ACT_ERRNO":
      return 0x00050000 | (errno & 0xffff);
    case "SCMP_ACT_KILL_PROCESS":
      return 0x80000000;
    case "SCMP_ACT_KILL":
    case "SCMP_ACT_KILL_THREAD":
      return 0;
    case "SCMP_ACT_TRAP":
      return 0x00030000;
    case "SCMP_ACT_TRACE":
      return 0x7ff00000 | (errno & 0xffff);
    case "SCMP_ACT_LOG":
      return 0x7ffc0000;
  }
}

const low = (value: number): number => Number(BigInt(value) & 0xffffffffn);
const high = (value: number): number => Number(BigInt(value) >> 32n);

/** Jump offsets `fail` mean "this rule does not match" and are patched when the rule's length is known. */
const fail = -1;

function condition(argument: NonNullable<SeccompRule["args"]>[number]): Instruction[] {
  const at = argumentOffset(argument.index);
  const value = argument.value;
  const masked = argument.valueTwo ?? 0;
  switch (argument.op) {
    case "SCMP_CMP_EQ":
      return [load(at + 4), [jumpEqual, 0, fail, high(value)], load(at), [jumpEqual, 0, fail, low(value)]];
    case "SCMP_CMP_MASKED_EQ":
      return [
        load(at + 4),
        and(high(value)),
        [jumpEqual, 0, fail, high(masked)],
        load(at),
        and(low(value)),
        [jumpEqual, 0, fail, low(masked)],
      ];
    case "SCMP_CMP_NE":
      // A difference in the high half decides: skip the comparison of the low half.
      return [load(at + 4), [jumpEqual, 0, 2, high(value)], load(at), [jumpEqual, fail, 0, low(value)]];
    case "SCMP_CMP_GT":
      return ordered(at, value, jumpGreater, false);
    case "SCMP_CMP_GE":
      return ordered(at, value, jumpGreaterEqual, false);
    case "SCMP_CMP_LT":
      return ordered(at, value, jumpGreaterEqual, true);
    case "SCMP_CMP_LE":
      return ordered(at, value, jumpGreater, true);
  }
}

/** `negate`: matches when the comparison is false. */
function ordered(at: number, value: number, code: number, negate: boolean): Instruction[] {
  const yes = negate ? fail : 3;
  return [
    load(at + 4),
    [jumpGreater, yes, 0, high(value)],
    [jumpEqual, 0, negate ? 2 : fail, high(value)],
    load(at),
    negate ? [code, fail, 0, low(value)] : [code, 0, fail, low(value)],
  ];
}

function ruleCode(rule: SeccompRule): Instruction[] {
  const body: Instruction[] = [];
  for (const argument of rule.args ?? []) {
    if (!(argument.index >= 0 && argument.index < 6))
      throw new RangeError(`system calls have no argument ${argument.index}`);
    body.push(...condition(argument));
  }
  body.push(ret(actionValue(rule.action, rule.errnoRet)));
  return body.map(([code, jt, jf, k], index) => {
    const out = body.length - index - 1; // to just behind the rule
    return [code, jt === fail ? out : jt, jf === fail ? out : jf, k];
  });
}

/**
 * Compiles the profile to a classic BPF program (struct sock_filter, seccomp(2)). Calls of other architectures (i386, x32)
 * return ENOSYS, since their numbers differ. Names unknown to the architecture are skipped.
 */
export function compileSeccomp(profile: SpecSeccomp, architecture: Architecture): Buffer {
  const numbers = syscallNumbers(architecture);
  const byNumber = new Map<number, SeccompRule[]>();
  for (const rule of profile.syscalls) {
    for (const name of rule.names) {
      const number = numbers.get(name);
      if (number !== undefined) byNumber.set(number, [...(byNumber.get(number) ?? []), rule]);
    }
  }
  const code: Instruction[] = [
    load(architectureOffset),
    [jumpEqual, 1, 0, auditArchitectures[architecture]],
    ret(actionValue("SCMP_ACT_ERRNO", enosys)),
    load(numberOffset),
  ];
  if (architecture === "x64")
    code.push([jumpGreaterEqual, 0, 1, 0x40000000], ret(actionValue("SCMP_ACT_ERRNO", enosys)));
  // Numbers with an unconditional result, as ranges; the kernel caches those per number.
  const plain = new Map<number, number>();
  const conditional: number[] = [];
  for (const [number, rules] of byNumber) {
    const unconditional = rules.find((rule) => !rule.args?.length);
    if (unconditional) plain.set(number, actionValue(unconditional.action, unconditional.errnoRet));
    else conditional.push(number);
  }
  for (const range of ranges(plain)) {
    code.push([jumpGreaterEqual, 0, 2, range.from], [jumpGreater, 1, 0, range.to], ret(range.action));
  }
  const otherwise = ret(actionValue(profile.defaultAction, profile.defaultErrnoRet));
  for (const number of conditional) {
    const block = [...(byNumber.get(number) ?? []).flatMap(ruleCode), otherwise];
    if (block.length > 255) throw new RangeError(`too many conditions for system call ${number}`);
    code.push([jumpEqual, 0, block.length, number], ...block);
  }
  code.push(otherwise);
  if (code.length > 4096) throw new RangeError("the seccomp profile is too large for the kernel");
  const out = Buffer.alloc(code.length * 8);
  for (const [index, [op, jt, jf, k]] of code.entries()) {
    out.writeUInt16LE(op, index * 8);
    out.writeUInt8(jt, index * 8 + 2);
    out.writeUInt8(jf, index * 8 + 3);
    out.writeUInt32LE(k >>> 0, index * 8 + 4);
  }
  return out;
}

function ranges(plain: Map<number, number>): { from: number; to: number; action: number }[] {
  const out: { from: number; to: number; action: number }[] = [];
  for (const [number, action] of [...plain].sort(([a], [b]) => a - b)) {
    const last = out.at(-1);
    if (last && last.to === number - 1 && last.action === action) last.to = number;
    else out.push({ from: number, to: number, action });
  }
  return out;
}
