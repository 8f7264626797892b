import assert from "node:assert/strict";
import { test } from "node:test";
import { type FlagSpec, parseFlags, UsageError } from "./flags.ts";

const specs: FlagSpec[] = [
  { long: "namespace", short: "n", type: "string", help: "" },
  { long: "stdin", short: "i", type: "boolean", help: "" },
  { long: "tty", short: "t", type: "boolean", help: "" },
  { long: "filename", short: "f", type: "list", help: "" },
  { long: "replicas", type: "int", help: "" },
  { long: "dry-run", type: "optional", implied: "client", help: "" },
];

test("flags stand anywhere, in every spelling", () => {
  const { flags, args } = parseFlags(
    ["a", "-nfoo", "--filename=x", "-f", "y", "-it", "--replicas", "3", "b"],
    specs,
  );
  assert.deepEqual(args, ["a", "b"]);
  assert.equal(flags.text("namespace"), "foo");
  assert.deepEqual(flags.list("filename"), ["x", "y"]);
  assert.ok(flags.on("stdin") && flags.on("tty"));
  assert.equal(flags.int("replicas"), 3);
});

test("what stands behind -- is left alone", () => {
  const { args, rest } = parseFlags(["pod", "--", "ls", "-l"], specs);
  assert.deepEqual([args, rest], [["pod"], ["ls", "-l"]]);
  assert.equal(parseFlags(["pod"], specs).rest, undefined);
});

test("an optional value is taken only after =", () => {
  const { flags, args } = parseFlags(["--dry-run", "server"], specs);
  assert.equal(flags.text("dry-run"), "client");
  assert.deepEqual(args, ["server"]);
  assert.equal(parseFlags(["--dry-run=server"], specs).flags.text("dry-run"), "server");
});

test("mistakes are named", () => {
  assert.throws(() => parseFlags(["--nope"], specs), new UsageError("unknown flag: --nope"));
  assert.throws(() => parseFlags(["-x"], specs), new UsageError("unknown shorthand flag: 'x' in -x"));
  assert.throws(() => parseFlags(["-n"], specs), new UsageError("flag needs an argument: 'n' in -n"));
  assert.throws(() => parseFlags(["--replicas=many"], specs), /want a whole number/);
  assert.throws(() => parseFlags(["--stdin=perhaps"], specs), /want true or false/);
});

test("with stopAtArgument later flags belong to the argument's own command", () => {
  const { args } = parseFlags(["-i", "pod", "ls", "-l"], specs, { stopAtArgument: true });
  assert.deepEqual(args, ["pod", "ls", "-l"]);
});
