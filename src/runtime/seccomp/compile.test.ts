import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Architecture, compileSeccomp, syscallNumbers } from "./compile.ts";
import { defaultSeccomp } from "./default-profile.ts";
import type { SpecSeccomp } from "../spec.ts";

const audit = { x64: 0xc000003e, arm64: 0xc00000b7 };
const allow = 0x7fff0000;
const errno = (code: number): number => 0x00050000 | code;

/** The kernel's interpreter, as far as our programs go. */
function run(program: Buffer, number: number, args: bigint[] = [], architecture = audit.x64): number {
  const data = Buffer.alloc(64);
  data.writeInt32LE(number | 0, 0);
  data.writeUInt32LE(architecture, 4);
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(value, 16 + 8 * index);
  let a = 0;
  for (let pc = 0; pc < program.length / 8; pc++) {
    const at = pc * 8;
    const [code, jt, jf, k] = [
      program.readUInt16LE(at),
      program.readUInt8(at + 2),
      program.readUInt8(at + 3),
      program.readUInt32LE(at + 4),
    ];
    const jump = (taken: boolean): void => void (pc += taken ? jt : jf);
    if (code === 0x20) a = data.readUInt32LE(k);
    else if (code === 0x54) a = (a & k) >>> 0;
    else if (code === 0x15) jump(a === k);
    else if (code === 0x25) jump(a > k);
    else if (code === 0x35) jump(a >= k);
    else if (code === 0x06) return k;
    else assert.fail(`unknown instruction ${code}`);
  }
  return assert.fail("the program ran off its end");
}

function compiler(profile: SpecSeccomp, architecture: Architecture = "x64") {
  const program = compileSeccomp(profile, architecture);
  const numbers = syscallNumbers(architecture);
  return (name: string, ...args: bigint[]): number =>
    run(program, numbers.get(name) ?? assert.fail(name), args, audit[architecture]);
}

describe("the seccomp compiler", () => {
  it("answers every system call as the default profile says", () => {
    const call = compiler(defaultSeccomp(["CAP_CHOWN", "CAP_SYS_CHROOT"]));
    for (const name of ["read", "openat", "execve", "futex", "ptrace", "chroot"])
      assert.equal(call(name), allow, name);
    for (const name of [
      "mount",
      "bpf",
      "keyctl",
      "io_uring_setup",
      "userfaultfd",
      "reboot",
      "setns",
      "unshare",
      "kexec_load",
    ])
      assert.equal(call(name), errno(1), name);
    assert.equal(call("clone3"), errno(38));
    assert.equal(call("clone", 0x11n), allow);
    assert.equal(call("clone", 0x10000000n | 0x11n), errno(1), "a user namespace");
    assert.equal(call("socket", 2n), allow);
    assert.equal(call("socket", 40n), errno(1), "AF_VSOCK");
    assert.equal(call("socket", (1n << 32n) | 40n), allow, "the comparison has 64 bits");
    assert.equal(call("personality", 0xffffffffn), allow);
    assert.equal(call("personality", 0x0400000n), errno(1));
  });

  it("lets capabilities open what belongs to them", () => {
    const call = compiler(defaultSeccomp(["CAP_SYS_ADMIN", "CAP_SYS_TIME"]));
    for (const name of ["mount", "clone3", "setns", "clock_settime"]) assert.equal(call(name), allow, name);
    assert.equal(call("reboot"), errno(1));
  });

  it("refuses foreign architectures, whose numbers mean something else", () => {
    const program = compileSeccomp(defaultSeccomp([]), "x64");
    assert.equal(run(program, 1, [], 0x40000003), errno(38));
    assert.equal(run(program, 0x40000001), errno(38), "x32");
    assert.equal(compiler(defaultSeccomp([]), "arm64")("openat"), allow);
  });

  it("compares as libseccomp does", () => {
    const ops = {
      EQ: [7],
      NE: [6, 8, 2 ** 40],
      LT: [6],
      LE: [6, 7],
      GT: [8, 2 ** 40 + 1],
      GE: [7, 8, 2 ** 40],
    } as const;
    for (const [op, matching] of Object.entries(ops)) {
      const call = compiler({
        defaultAction: "SCMP_ACT_ERRNO",
        syscalls: [
          {
            names: ["read"],
            action: "SCMP_ACT_LOG",
            args: [{ index: 2, value: 7, op: `SCMP_CMP_${op}` as "SCMP_CMP_EQ" }],
          },
        ],
      });
      for (const value of [6, 7, 8, 2 ** 40, 2 ** 40 + 1]) {
        const matches =
          (matching as readonly number[]).includes(value) || (value > 8 && ["NE", "GT", "GE"].includes(op));
        assert.equal(
          call("read", 0n, 0n, BigInt(value)),
          matches ? 0x7ffc0000 : errno(1),
          `${value} ${op} 7`,
        );
      }
    }
  });
});
