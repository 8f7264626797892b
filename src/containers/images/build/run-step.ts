import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Heredoc } from "../dockerfile/lines.ts";
import type { InstructionOf } from "../dockerfile/instruction.ts";
import { WordError } from "../dockerfile/words.ts";
import { lowerDirectories } from "../layer/layers.ts";
import { toBytePath } from "../tar/byte-path.ts";
import { argv } from "./config-step.ts";
import type { Kitchen } from "./kitchen.ts";
import { type LayerEntry, writeLayer } from "./layer-content.ts";
import type { MergedTree } from "./merged-tree.ts";
import type { OnProgress } from "./progress.ts";
import type { StageState } from "./stage-state.ts";
import type { CachedStep } from "./step-cache.ts";
import { readUpper } from "./tree-diff.ts";
import { homeOf, resolveUser } from "./users.ts";

/** Mount points of the runtime, and what it creates for them. */
const mountPoints = new Set(["dev", "proc", "sys", "etc", "etc/resolv.conf", "etc/hosts", "etc/hostname"]);

/** Path of a script that cannot be a shell command line. */
const scriptName = ".wherry-run";

/** RUN: in a container on the layers so far; its changes become the layer. */
export async function runStep(
  kitchen: Kitchen,
  state: StageState,
  instruction: InstructionOf<"RUN">,
  options: {
    noCache: boolean;
    clampTo: number | undefined;
    onProgress: OnProgress;
    signal?: AbortSignal | undefined;
  },
): Promise<CachedStep & { cached: boolean }> {
  const tree = await state.tree();
  const user = resolveUser(tree, state.config.User || "0:0");
  const env = state.runEnv(homeOf(tree, user.uid));
  const network = instruction.network === "none" ? "none" : "host";
  const { args, script } = commandLine(instruction, state.shell);
  const key = kitchen.cache.key(
    "run",
    state.diffIds,
    args,
    script ?? null,
    env,
    user,
    state.workdir,
    network,
  );
  const cached = options.noCache ? undefined : kitchen.cache.find(key);
  if (cached !== undefined) return { ...cached, cached: true };
  if (kitchen.runner === undefined) {
    throw new WordError(
      "RUN needs a container, and this machine or user cannot make one (root on Linux is needed)",
    );
  }
  const work = `${kitchen.root}/tmp/run-${randomBytes(8).toString("hex")}`;
  try {
    for (const dir of [work, `${work}/upper`, `${work}/work`]) mkdirSync(dir, { mode: 0o755 });
    if (script !== undefined) {
      writeFileSync(`${work}/upper/${scriptName}`, script);
      chmodSync(`${work}/upper/${scriptName}`, 0o755);
    }
    const tail = new Tail();
    const layers = lowerDirectories(await state.chain());
    const { exitCode } = await kitchen.runner.run({
      layers,
      upper: `${work}/upper`,
      work: `${work}/work`,
      args,
      env,
      cwd: state.workdir,
      user,
      network,
      onOutput: (stream, chunk) => {
        const text = Buffer.from(chunk).toString();
        tail.add(text);
        options.onProgress({ kind: "output", stream, text });
      },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    if (exitCode !== 0) {
      const said = tail.text();
      throw new WordError(
        `the command ended with exit code ${exitCode}${said === "" ? "" : `. Its last words:\n${said}`}`,
      );
    }
    rmSync(`${work}/upper/${scriptName}`, { force: true });
    const xattrs = await kitchen.nodes.readXattrs(toBytePath(`${work}/upper`));
    const entries = readUpper(
      toBytePath(`${work}/upper`),
      xattrs,
      (entry) => isResidue(entry, tree),
      (path) => tree.lookup(path, false)?.stat.isDirectory() === true,
    );
    const layer =
      entries.length === 0 ? undefined : await writeLayer(entries, kitchen.blobs, options.clampTo);
    const step: CachedStep = { layer, created: new Date(kitchen.clock.now()).toISOString() };
    await kitchen.cache.put(key, step);
    return { ...step, cached: false };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** An empty mount point that equals the one below. */
function isResidue(entry: LayerEntry, below: MergedTree): boolean {
  if (!mountPoints.has(entry.path) || entry.xattrs !== undefined) return false;
  const stat = below.lookup(entry.path, false)?.stat;
  if (stat === undefined) return true;
  return (
    entry.path === "etc" &&
    (stat.mode & 0o7777) === entry.mode &&
    stat.uid === entry.uid &&
    stat.gid === entry.gid
  );
}

/** Here-documents: alone it is a script; in a command the shell parses it itself. */
function commandLine(
  instruction: InstructionOf<"RUN">,
  shell: readonly string[],
): { args: string[]; script?: string } {
  const { command, heredocs } = instruction;
  if (command.form === "exec" || heredocs.length === 0) return { args: argv(command, shell) };
  const only = heredocs.length === 1 && command.line.trim() === heredocs[0]?.marker ? heredocs[0] : undefined;
  if (only === undefined) return { args: [...shell, `${command.line}\n${heredocs.map(asShell).join("")}`] };
  if (only.content.startsWith("#!")) return { args: [`/${scriptName}`], script: only.content };
  return { args: [...shell, only.content] };
}

const asShell = (heredoc: Heredoc): string => `${heredoc.content}${heredoc.name}\n`;

/** The end of a command's output. */
class Tail {
  #text = "";

  add(text: string): void {
    this.#text = (this.#text + text).slice(-4000);
  }

  text(): string {
    return this.#text.trimEnd().split("\n").slice(-12).join("\n");
  }
}
