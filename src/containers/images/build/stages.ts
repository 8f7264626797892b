import { DockerfileError } from "../dockerfile/dockerfile-error.ts";
import { type IgnoreRules, ignoreNothing } from "../dockerfile/ignore.ts";
import type { Dockerfile, Instruction, Stage } from "../dockerfile/instruction.ts";
import { splitLines } from "../dockerfile/lines.ts";
import { parseInstruction } from "../dockerfile/parse.ts";
import { expandWord, type Variables, WordError } from "../dockerfile/words.ts";
import { hostArchitecture } from "../oci-format.ts";
import { familiar, normalise } from "../reference.ts";
import type { StoredImage } from "../store/catalog.ts";
import { applyConfig } from "./config-step.ts";
import { type CopySource, copyStep, workdirStep } from "./copy-step.ts";
import type { FileHashes } from "./file-hashes.ts";
import type { Kitchen } from "./kitchen.ts";
import { LayerContent } from "./layer-content.ts";
import { MergedTree } from "./merged-tree.ts";
import type { OnProgress } from "./progress.ts";
import { runStep } from "./run-step.ts";
import { StageState } from "./stage-state.ts";

export interface StageOptions {
  context: MergedTree;
  ignore: IgnoreRules;
  hashes: FileHashes;
  buildArgs: Readonly<Record<string, string>>;
  noCache: boolean;
  clampTo: number | undefined;
  onProgress: OnProgress;
  signal: AbortSignal | undefined;
}

/** Predefined arguments, which need no ARG (Dockerfile reference, "Predefined ARGs"). They are not in the cache key. */
const predefined = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

const platformArgs: Record<string, string> = Object.fromEntries(
  ["TARGET", "BUILD"].flatMap((side) => [
    [`${side}PLATFORM`, `linux/${hostArchitecture}`],
    [`${side}OS`, "linux"],
    [`${side}ARCH`, hostArchitecture],
    [`${side}VARIANT`, ""],
  ]),
);

/** Builds the target stage and the stages it needs. */
export async function buildStages(
  kitchen: Kitchen,
  dockerfile: Dockerfile,
  target: Stage,
  options: StageOptions,
): Promise<{ state: StageState; cached: boolean }> {
  const build = new Stages(kitchen, dockerfile, options);
  const state = await build.stage(target);
  return { state, cached: build.cached };
}

class Stages {
  cached = true;
  readonly #kitchen: Kitchen;
  readonly #dockerfile: Dockerfile;
  readonly #options: StageOptions;
  readonly #done = new Map<number, StageState>();
  readonly #globals: ReadonlyMap<string, string>;

  constructor(kitchen: Kitchen, dockerfile: Dockerfile, options: StageOptions) {
    this.#kitchen = kitchen;
    this.#dockerfile = dockerfile;
    this.#options = options;
    this.#globals = this.#globalArgs();
  }

  async stage(stage: Stage): Promise<StageState> {
    const done = this.#done.get(stage.index);
    if (done !== undefined) return done;
    const { state, triggers } = await this.#open(stage);
    const instructions = [...triggers, ...stage.instructions];
    const name = stage.name ?? String(stage.index);
    for (const [index, instruction] of instructions.entries()) {
      this.#options.signal?.throwIfAborted();
      const { line, text } = instruction;
      const position = { stage: name, step: index + 1, steps: instructions.length, line };
      this.#options.onProgress({ kind: "step", ...position, text });
      const before = this.#kitchen.clock.monotonic();
      const cached = await this.#located(line, instruction.keyword, () =>
        this.#step(state, stage, instruction),
      );
      if (!cached) this.cached = false;
      this.#options.onProgress({
        kind: "stepDone",
        ...position,
        cached,
        ms: this.#kitchen.clock.monotonic() - before,
      });
    }
    this.#done.set(stage.index, state);
    return state;
  }

  /** Adds file and line to errors. */
  async #located<T>(line: number, keyword: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof WordError) {
        throw new DockerfileError(this.#dockerfile.file, line, `${keyword}: ${error.message}`, {
          cause: error,
        });
      }
      throw error;
    }
  }

  async #open(stage: Stage): Promise<{ state: StageState; triggers: Instruction[] }> {
    const { from } = stage;
    return this.#located(from.line, "FROM", async () => {
      const platform =
        from.platform === undefined ? undefined : this.#expand(from.platform, this.#fromVariables);
      if (platform !== undefined && !platform.startsWith(`linux/${hostArchitecture}`)) {
        throw new WordError(`--platform=${platform}: this machine builds for linux/${hostArchitecture} only`);
      }
      const name = this.#expand(from.image, this.#fromVariables);
      if (name === "")
        throw new WordError(`"${from.image}" is empty; an ARG before the first FROM may give it a value`);
      const earlier = this.#dockerfile.stages.find(
        (s) => s.index < stage.index && s.name === name.toLowerCase(),
      );
      const base =
        name === "scratch" ? undefined : earlier ? await this.stage(earlier) : await this.#image(name);
      const state = new StageState(this.#kitchen.layers, base);
      const triggers = base instanceof StageState ? [] : this.#triggers(state, from.line);
      return { state, triggers };
    });
  }

  async #image(name: string): Promise<StoredImage> {
    const image = await this.#find(name);
    if (image !== undefined) return image;
    throw new WordError(
      `there is no image "${name}" on this machine, and wherry does not pull from registries yet. Build it (wherry image build -t ${name} FOLDER) or load it (wherry image load -i FILE); what wherry makes by itself: wherry.local/busybox, wherry.local/node, wherry.local/debian/PACKAGE, and scratch`,
    );
  }

  async #find(name: string): Promise<StoredImage | undefined> {
    const { catalog, makeBase } = this.#kitchen;
    const full = normalise(name);
    const note = (text: string): void => this.#options.onProgress({ kind: "note", text });
    if (full.startsWith("wherry.local/") && (await makeBase(full, note))) return catalog.find(full);
    return catalog.find(name);
  }

  /** Executes the base's ONBUILD triggers and removes them from the image. */
  #triggers(state: StageState, line: number): Instruction[] {
    const triggers = state.config.OnBuild ?? [];
    delete state.config.OnBuild;
    return triggers.flatMap((text) =>
      splitLines(text, this.#dockerfile.file).lines.map((logical) =>
        parseInstruction({ ...logical, line }, this.#dockerfile.file, this.#dockerfile.escape),
      ),
    );
  }

  /** True when the step was cached or trivial. */
  async #step(state: StageState, stage: Stage, instruction: Instruction): Promise<boolean> {
    const { noCache, clampTo, onProgress, hashes, signal } = this.#options;
    const { escape } = this.#dockerfile;
    switch (instruction.keyword) {
      case "FROM":
        return true;
      case "ARG":
        for (const { name, value } of instruction.variables) this.#declare(state, name, value);
        return true;
      case "COPY":
      case "ADD": {
        const source = await this.#copySource(stage, instruction.flags.from);
        const step = await copyStep(this.#kitchen, state, instruction, source, {
          escape,
          hashes,
          noCache,
          clampTo,
        });
        state.addStep(instruction.text, step.layer, step.created);
        return step.cached;
      }
      case "RUN": {
        this.#passPredefined(state);
        const step = await runStep(this.#kitchen, state, instruction, {
          noCache,
          clampTo,
          onProgress,
          signal,
        });
        state.addStep(instruction.text, step.layer, step.created);
        return step.cached;
      }
      default: {
        applyConfig(state, instruction, escape);
        const made = instruction.keyword === "WORKDIR" ? await this.#workdir(state) : undefined;
        state.addStep(instruction.text, made?.layer, made?.created);
        return true;
      }
    }
  }

  #workdir(state: StageState) {
    const mtime = Math.floor(this.#kitchen.clock.now() / 1000);
    return workdirStep(
      this.#kitchen,
      state,
      (tree) => new LayerContent(tree, { uid: 0, gid: 0 }, this.#options.clampTo ?? mtime),
    );
  }

  async #copySource(stage: Stage, from: string | undefined): Promise<CopySource> {
    if (from === undefined) {
      const { context, ignore } = this.#options;
      return { tree: context, name: "the build context", ignore, image: false };
    }
    const found = this.#dockerfile.stages.find(
      (s) => s.name === from.toLowerCase() || String(s.index) === from,
    );
    if (found !== undefined) {
      if (found.index >= stage.index)
        throw new WordError(
          `--from=${from} names a stage that comes later; only earlier ones can be copied from`,
        );
      const state = await this.stage(found);
      return { tree: await state.tree(), name: `the stage "${from}"`, ignore: ignoreNothing, image: true };
    }
    const state = new StageState(this.#kitchen.layers, await this.#image(from));
    return {
      tree: await state.tree(),
      name: `the image ${familiar(normalise(from))}`,
      ignore: ignoreNothing,
      image: true,
    };
  }

  /** A value from the command line, else from the instruction, else from before the first FROM. */
  #declare(state: StageState, name: string, value: string | undefined): void {
    const given = this.#options.buildArgs[name];
    const own = value === undefined ? undefined : this.#expand(value, state.variables);
    const resolved = given ?? own ?? this.#globals.get(name) ?? platformArgs[name];
    if (resolved !== undefined) state.args.set(name, resolved);
  }

  #passPredefined(state: StageState): void {
    for (const name of predefined) {
      const value = this.#options.buildArgs[name];
      if (value !== undefined) state.args.set(name, value);
    }
  }

  #globalArgs(): Map<string, string> {
    const values = new Map<string, string>();
    for (const { line, variables } of this.#dockerfile.globals) {
      for (const { name, value } of variables) {
        try {
          const lookup: Variables = (key) => values.get(key) ?? platformArgs[key];
          const own = value === undefined ? undefined : this.#expand(value, lookup);
          const resolved = this.#options.buildArgs[name] ?? own;
          if (resolved !== undefined) values.set(name, resolved);
        } catch (error) {
          if (error instanceof WordError)
            throw new DockerfileError(this.#dockerfile.file, line, `ARG: ${error.message}`);
          throw error;
        }
      }
    }
    return values;
  }

  #fromVariables: Variables = (name) => this.#globals.get(name) ?? platformArgs[name];

  #expand(text: string, variables: Variables): string {
    return expandWord(text, variables, this.#dockerfile.escape);
  }
}
