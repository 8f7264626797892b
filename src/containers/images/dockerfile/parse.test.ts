import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DockerfileError } from "./dockerfile-error.ts";
import { parseDockerfile } from "./parse.ts";

const parse = (text: string) => parseDockerfile(text, "Dockerfile");

describe("parseDockerfile", () => {
  it("reads stages, continuation lines, comments and here-documents with their lines", () => {
    const file = parse(`# syntax=docker/dockerfile:1
# a comment
ARG BASE=scratch
FROM $BASE AS Build

run echo one && \\
    # between
    
    echo two
COPY --from=0 --chown=1:2 a "b c" /d/
COPY <<A <<-"B" /etc/
a $x
A
	b
	B
FROM build
CMD ["x", "y"]
`);
    assert.deepEqual(
      file.globals.map((g) => g.variables),
      [[{ name: "BASE", value: "scratch" }]],
    );
    const [first, second] = file.stages;
    assert.deepEqual([first?.name, first?.from.image, second?.from.image], ["build", "$BASE", "build"]);
    const [run, copy, here] = first?.instructions ?? [];
    assert.deepEqual(
      [run?.line, run?.keyword === "RUN" && run.command],
      [6, { form: "shell", line: "echo one &&     echo two" }],
    );
    assert.ok(copy?.keyword === "COPY");
    assert.deepEqual(
      [copy.line, copy.sources, copy.target, copy.flags.from, copy.flags.chown],
      [10, ["a", '"b c"'], "/d/", "0", "1:2"],
    );
    assert.ok(here?.keyword === "COPY");
    assert.deepEqual(
      here.heredocs.map((h) => [h.name, h.content, h.expand]),
      [
        ["A", "a $x\n", true],
        ["B", "b\n", false],
      ],
    );
    const cmd = second?.instructions[0];
    assert.deepEqual(
      [cmd?.line, cmd?.keyword === "CMD" && cmd.command],
      [17, { form: "exec", args: ["x", "y"] }],
    );
  });

  it("knows the escape directive, in its place only", () => {
    const windows = parse("# escape=`\nFROM scratch\nRUN a `\n  b\nCOPY c:\\x /d\n");
    const [run, copy] = windows.stages[0]?.instructions ?? [];
    assert.ok(run?.keyword === "RUN" && run.command.form === "shell" && run.command.line === "a   b");
    assert.ok(copy?.keyword === "COPY" && copy.sources[0] === "c:\\x");
    assert.equal(parse("FROM scratch\n# escape=`\n").escape, "\\");
  });

  it("takes what looks like JSON but is none as shell", () => {
    const [run] = parse('FROM scratch\nRUN [ -f /x ] && echo ["a"]\n').stages[0]?.instructions ?? [];
    assert.ok(run?.keyword === "RUN" && run.command.form === "shell");
  });

  const wrong: [text: string, line: number, why: RegExp][] = [
    ["", 1, /no FROM/],
    ["RUN x", 1, /before the first FROM/],
    ["FROM scratch\n\nCOPPY a b", 3, /unknown instruction "COPPY" \(did you mean COPY\?\)/],
    ["FROM scratch\nXYZZY 1", 2, /unknown instruction "XYZZY"$/],
    ["FROM scratch\nCOPY a", 2, /at least one source and a target/],
    ["FROM scratch\nCOPY a b c", 2, /ends with "\/"/],
    ["FROM scratch\nCOPY --form=x a b", 2, /no flag --form/],
    ["FROM scratch\nENV", 2, /needs at least one argument/],
    ["FROM scratch\nENV x", 2, /has no value/],
    ['FROM scratch\nENV x="y', 2, /a " is opened and not closed/],
    ["FROM scratch AS", 1, /FROM image AS name/],
    ["FROM scratch AS 1x", 1, /cannot be a stage's name/],
    ["FROM scratch AS a\nFROM scratch AS A", 2, /already used in line 1/],
    ["FROM scratch\nRUN <<EOF\nx\n", 2, /has no end/],
    ["FROM scratch\nSHELL /bin/sh", 2, /JSON list/],
    ["FROM scratch\nHEALTHCHECK --interval=x CMD y", 2, /not a duration/],
    ["FROM scratch\nRUN --mount=type=cache,target=/x y", 2, /--mount is not supported/],
    ["# escape=x\nFROM scratch", 1, /escape character/],
    ["FROM scratch\nARG 1x=2", 2, /variable's name/],
    ["FROM scratch\nRUN a \\\n  b\nNOPE", 4, /unknown/],
  ];
  for (const [text, line, why] of wrong) {
    it(`refuses ${JSON.stringify(text)} in line ${line}`, () => {
      assert.throws(
        () => parse(text),
        (error: Error) => {
          assert.ok(error instanceof DockerfileError, String(error));
          assert.match(error.message, why);
          assert.equal(error.line, line);
          assert.ok(error.message.startsWith(`Dockerfile:${line}: `));
          return true;
        },
      );
    });
  }
});
