import { posix } from "node:path";
import type { Command, Instruction } from "../dockerfile/instruction.ts";
import { expandWord, WordError } from "../dockerfile/words.ts";
import type { StageState } from "./stage-state.ts";

export type ConfigInstruction = Exclude<Instruction, { keyword: "FROM" | "COPY" | "ADD" | "RUN" | "ARG" }>;

/** Executes an instruction that only changes the image's configuration. */
export function applyConfig(state: StageState, instruction: ConfigInstruction, escape: string): void {
  const { config, variables } = state;
  const expand = (text: string): string => expandWord(text, variables, escape);
  switch (instruction.keyword) {
    case "ENV": {
      // An instruction's variables have the values before it (Dockerfile reference, "Environment replacement").
      const pairs = instruction.pairs.map(([key, value]) => [expand(key), expand(value)] as const);
      for (const [key, value] of pairs) state.setEnv(key, value);
      return;
    }
    case "LABEL":
      config.Labels = { ...config.Labels };
      for (const [key, value] of instruction.pairs) config.Labels[expand(key)] = expand(value);
      return;
    case "WORKDIR": {
      const directory = expand(instruction.value);
      config.WorkingDir = posix.resolve(state.workdir, directory);
      return;
    }
    case "USER":
      config.User = expand(instruction.value);
      if (/\s/.test(config.User)) throw new WordError(`"${config.User}" is not a user or user:group`);
      return;
    case "STOPSIGNAL":
      config.StopSignal = expand(instruction.value);
      if (!/^(SIG[A-Z0-9+-]+|[0-9]{1,2})$/.test(config.StopSignal)) {
        throw new WordError(`"${config.StopSignal}" is not a signal's name or number`);
      }
      return;
    case "MAINTAINER":
      state.author = instruction.value;
      return;
    case "EXPOSE":
      config.ExposedPorts = { ...config.ExposedPorts };
      for (const port of instruction.values.flatMap((value) => ports(expand(value))))
        config.ExposedPorts[port] = {};
      return;
    case "VOLUME":
      config.Volumes = { ...config.Volumes };
      for (const value of instruction.values)
        config.Volumes[posix.resolve(state.workdir, expand(value))] = {};
      return;
    case "SHELL":
      state.shell = instruction.shell;
      config.Shell = instruction.shell;
      return;
    case "CMD":
      config.Cmd = argv(instruction.command, state.shell);
      state.cmdSet = true;
      return;
    case "ENTRYPOINT":
      config.Entrypoint = argv(instruction.command, state.shell);
      // The base's CMD belongs to the base's entrypoint.
      if (!state.cmdSet) delete config.Cmd;
      return;
    case "HEALTHCHECK": {
      const { command, ...check } = instruction.check;
      if (command === undefined) config.Healthcheck = check;
      else if (command.form === "exec") config.Healthcheck = { Test: ["CMD", ...command.args], ...check };
      else config.Healthcheck = { Test: ["CMD-SHELL", command.line], ...check };
      return;
    }
    case "ONBUILD":
      config.OnBuild = [...(config.OnBuild ?? []), instruction.trigger];
  }
}

export const argv = (command: Command, shell: readonly string[]): string[] =>
  command.form === "exec" ? command.args : [...shell, command.line];

/** `80`, `53/udp`, `8000-8003`. */
function ports(text: string): string[] {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? first);
  if (match === null || first < 1 || last > 65535 || last < first) {
    throw new WordError(`"${text}" is not a port, like 80 or 53/udp`);
  }
  const protocol = (match[3] ?? "tcp").toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol}`);
}
