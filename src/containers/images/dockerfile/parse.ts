import { parseDuration } from "../../../machinery/index.ts";
import type { Healthcheck } from "../oci-format.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import type { Command, CopyFlags, Dockerfile, Instruction, InstructionOf, Stage } from "./instruction.ts";
import { type LogicalLine, splitLines } from "./lines.ts";
import { splitWords, WordError } from "./words.ts";

/** Parses a Dockerfile. Errors are DockerfileErrors with file and line; `file` is its name in messages. */
export function parseDockerfile(source: string, file: string): Dockerfile {
  const { escape, lines } = splitLines(source, file);
  const result: Dockerfile = { file, escape, globals: [], stages: [] };
  let stage: Stage | undefined;
  for (const line of lines) {
    const instruction = parseInstruction(line, file, escape);
    if (instruction.keyword === "FROM") {
      stage = openStage(result, instruction);
      continue;
    }
    if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.keyword === "ARG") result.globals.push(instruction);
    else
      throw new DockerfileError(
        file,
        line.line,
        `${line.keyword} before the first FROM; only ARG may stand there`,
      );
  }
  if (stage === undefined)
    throw new DockerfileError(file, 1, "there is no FROM: a Dockerfile says first what it builds on");
  return result;
}

/** Parses one instruction; also for ONBUILD triggers of a base image. */
export function parseInstruction(line: LogicalLine, file: string, escape: string): Instruction {
  try {
    return { line: line.line, text: `${line.keyword} ${line.text}`, ...body(line, escape) } as Instruction;
  } catch (error) {
    if (error instanceof WordError) {
      throw new DockerfileError(file, line.line, `${line.keyword}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function openStage(dockerfile: Dockerfile, from: InstructionOf<"FROM">): Stage {
  const name = from.as?.toLowerCase();
  if (name !== undefined) {
    if (!/^[a-z][a-z0-9_.-]*$/.test(name)) {
      throw new DockerfileError(
        dockerfile.file,
        from.line,
        `"${from.as}" cannot be a stage's name: a letter first, then letters, digits, '_', '.' and '-'`,
      );
    }
    const same = dockerfile.stages.find((stage) => stage.name === name);
    if (same !== undefined) {
      throw new DockerfileError(
        dockerfile.file,
        from.line,
        `the stage name "${name}" is already used in line ${same.from.line}`,
      );
    }
  }
  const stage: Stage = { index: dockerfile.stages.length, name, from, instructions: [] };
  dockerfile.stages.push(stage);
  return stage;
}

function body(line: LogicalLine, escape: string): object {
  const { keyword } = line;
  const { flags, rest } = takeFlags(line.text, keyword);
  const need = (text: string): string => {
    if (text === "") throw new WordError("an argument is missing");
    return text;
  };
  switch (keyword) {
    case "FROM": {
      const words = splitWords(rest, escape);
      if (words.length !== 1 && !(words.length === 3 && words[1]?.toUpperCase() === "AS")) {
        throw new WordError('it is "FROM image" or "FROM image AS name"');
      }
      return { keyword, image: words[0], as: words[2], platform: single(flags, "platform") };
    }
    case "COPY":
    case "ADD":
      return copy(keyword, rest, flags, line, escape);
    case "RUN": {
      const mount = flags.find(([name]) => name === "mount");
      if (mount !== undefined) throw new WordError("--mount is not supported yet");
      return {
        keyword,
        command: command(need(rest)),
        heredocs: line.heredocs,
        network: single(flags, "network"),
      };
    }
    case "CMD":
    case "ENTRYPOINT":
      return { keyword, command: command(need(rest)) };
    case "ENV":
    case "LABEL":
      return { keyword, pairs: pairs(rest, escape, keyword) };
    case "ARG":
      return {
        keyword,
        variables: splitWords(rest, escape).map((word) => {
          const equals = word.indexOf("=");
          const name = equals < 0 ? word : word.slice(0, equals);
          if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
            throw new WordError(`"${name}" cannot be a variable's name`);
          return { name, value: equals < 0 ? undefined : word.slice(equals + 1) };
        }),
      };
    case "WORKDIR":
    case "USER":
    case "STOPSIGNAL":
    case "MAINTAINER":
      return { keyword, value: need(rest) };
    case "EXPOSE":
      return { keyword, values: splitWords(rest, escape) };
    case "VOLUME":
      return { keyword, values: jsonList(rest) ?? splitWords(rest, escape) };
    case "SHELL": {
      const shell = jsonList(rest);
      if (shell === undefined || shell.length === 0)
        throw new WordError('it needs a JSON list, like ["/bin/sh", "-c"]');
      return { keyword, shell };
    }
    case "HEALTHCHECK":
      return { keyword, check: healthcheck(rest, flags) };
    default: {
      const trigger = rest.split(/\s/)[0]?.toUpperCase() ?? "";
      if (["ONBUILD", "FROM", "MAINTAINER"].includes(trigger))
        throw new WordError(`${trigger} cannot be a trigger`);
      return { keyword: "ONBUILD", trigger: need(rest) };
    }
  }
}

const knownFlags: Record<string, readonly string[]> = {
  FROM: ["platform"],
  COPY: ["from", "chown", "chmod", "link", "parents", "exclude"],
  ADD: ["chown", "chmod", "link", "keep-git-dir", "checksum", "exclude", "unpack"],
  RUN: ["mount", "network", "security"],
  HEALTHCHECK: ["interval", "timeout", "start-period", "start-interval", "retries"],
};

type Flags = [name: string, value: string][];

function takeFlags(text: string, keyword: string): { flags: Flags; rest: string } {
  const known = knownFlags[keyword];
  const flags: Flags = [];
  let rest = text;
  if (known === undefined) return { flags, rest };
  for (;;) {
    const match = /^--([a-z-]+)(?:=(\S*))?(?:\s+|$)/.exec(rest);
    if (match === null) return { flags, rest };
    const name = match[1] as string;
    if (!known.includes(name)) {
      throw new WordError(
        `there is no flag --${name} (there are ${known.map((flag) => `--${flag}`).join(", ")})`,
      );
    }
    flags.push([name, match[2] ?? "true"]);
    rest = rest.slice(match[0].length);
  }
}

function single(flags: Flags, name: string): string | undefined {
  const values = flags.filter(([flag]) => flag === name);
  if (values.length > 1) throw new WordError(`--${name} is given twice`);
  return values[0]?.[1];
}

function copy(keyword: string, rest: string, flags: Flags, line: LogicalLine, escape: string): object {
  for (const name of ["checksum", "keep-git-dir"]) {
    if (single(flags, name) !== undefined)
      throw new WordError(`--${name} is for downloads, which ${keyword} does not do here`);
  }
  const words = jsonList(rest) ?? splitWords(rest, escape);
  if (words.length < 2) throw new WordError("it needs at least one source and a target");
  const target = words.pop() as string;
  if (words.length > 1 && !target.endsWith("/") && target !== "." && !target.endsWith("/.")) {
    throw new WordError(`with several sources the target is a directory and ends with "/" ("${target}/")`);
  }
  const options: CopyFlags = {
    exclude: flags.filter(([name]) => name === "exclude").map(([, value]) => value),
    parents: single(flags, "parents") === "true",
  };
  for (const name of ["from", "chown", "chmod"] as const) {
    const value = single(flags, name);
    if (value !== undefined) options[name] = value;
  }
  return { keyword, sources: words, target, flags: options, heredocs: line.heredocs };
}

function command(text: string): Command {
  const args = jsonList(text);
  if (args === undefined) return { form: "shell", line: text };
  if (args.length === 0) throw new WordError("the JSON list is empty");
  return { form: "exec", args };
}

/** A JSON list of strings, or undefined: then it is a shell command line. */
function jsonList(text: string): string[] | undefined {
  if (!text.trimStart().startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  } catch {
    // `[ -f /x ] && ...` is a valid shell command line.
  }
  return undefined;
}

/** `key=value key="a b"`, or the old form `key the whole rest`. Values keep quotes and variables. */
function pairs(text: string, escape: string, keyword: string): [string, string][] {
  const words = splitWords(text, escape);
  const first = words[0] ?? "";
  if (!first.includes("=")) {
    const value = text.trim().slice(first.length).trim();
    if (value === "") throw new WordError(`"${first}" has no value; it is ${keyword} ${first}=value`);
    return [[first, value]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 1) throw new WordError(`"${word}" is not of the form key=value`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

function healthcheck(text: string, flags: Flags): Healthcheck & { command?: Command } {
  if (/^none$/i.test(text.trim())) {
    if (flags.length > 0) throw new WordError("NONE takes no flags");
    return { Test: ["NONE"] };
  }
  const match = /^CMD\s+([\s\S]+)$/i.exec(text);
  if (match === null) throw new WordError('it is "HEALTHCHECK [flags] CMD command" or "HEALTHCHECK NONE"');
  const check: Healthcheck & { command?: Command } = { command: command(match[1] as string) };
  const names = {
    interval: "Interval",
    timeout: "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
  } as const;
  for (const [flag, key] of Object.entries(names) as [
    keyof typeof names,
    (typeof names)[keyof typeof names],
  ][]) {
    const value = single(flags, flag);
    if (value === undefined) continue;
    try {
      check[key] = parseDuration(value) * 1_000_000;
    } catch (cause) {
      throw new WordError(`--${flag}=${value} is not a duration like 30s or 1m30s`, { cause });
    }
  }
  const retries = single(flags, "retries");
  if (retries !== undefined) {
    if (!/^[0-9]+$/.test(retries)) throw new WordError(`--retries=${retries} is not a number`);
    check.Retries = Number(retries);
  }
  return check;
}
