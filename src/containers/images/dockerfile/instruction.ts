import type { Healthcheck } from "../oci-format.ts";
import type { Heredoc } from "./lines.ts";

/** A parsed instruction. Texts still contain variables, which are replaced on execution. */
export type Instruction = { line: number /** As written, for people and history. */; text: string } & (
  | { keyword: "FROM"; image: string; as: string | undefined; platform: string | undefined }
  | { keyword: "COPY" | "ADD"; sources: string[]; target: string; flags: CopyFlags; heredocs: Heredoc[] }
  | { keyword: "RUN"; command: Command; heredocs: Heredoc[]; network: string | undefined }
  | { keyword: "CMD" | "ENTRYPOINT"; command: Command }
  | { keyword: "ENV" | "LABEL"; pairs: [key: string, value: string][] }
  | { keyword: "ARG"; variables: { name: string; value: string | undefined }[] }
  | { keyword: "WORKDIR" | "USER" | "STOPSIGNAL" | "MAINTAINER"; value: string }
  | { keyword: "EXPOSE" | "VOLUME"; values: string[] }
  | { keyword: "SHELL"; shell: string[] }
  | { keyword: "HEALTHCHECK"; check: Healthcheck & { command?: Command } }
  | { keyword: "ONBUILD"; trigger: string }
);

/** The union's member with this keyword, possibly among others. */
export type InstructionOf<K extends Instruction["keyword"]> = Member<Instruction, K>;
type Member<I extends Instruction, K> = I extends unknown ? (K extends I["keyword"] ? I : never) : never;

/** `exec` is a JSON list; `shell` is a shell command line. */
export type Command = { form: "exec"; args: string[] } | { form: "shell"; line: string };

export interface CopyFlags {
  from?: string;
  chown?: string;
  chmod?: string;
  exclude: string[];
  parents: boolean;
}

export interface Dockerfile {
  file: string;
  escape: string;
  /** ARG before the first FROM. */
  globals: InstructionOf<"ARG">[];
  stages: Stage[];
}

export interface Stage {
  index: number;
  /** Lower case. */
  name: string | undefined;
  from: InstructionOf<"FROM">;
  instructions: Instruction[];
}
