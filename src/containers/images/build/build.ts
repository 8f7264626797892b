import { readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { DockerfileError } from "../dockerfile/dockerfile-error.ts";
import { type IgnoreRules, ignoreNothing, parseIgnore } from "../dockerfile/ignore.ts";
import type { Dockerfile, Stage } from "../dockerfile/instruction.ts";
import { parseDockerfile } from "../dockerfile/parse.ts";
import { errno, explain, invalid, notFound } from "../image-error.ts";
import { hostArchitecture } from "../oci-format.ts";
import { normalise } from "../reference.ts";
import { sha256 } from "../store/blobs.ts";
import { FileHashes } from "./file-hashes.ts";
import { imageOf } from "./finished-image.ts";
import type { Kitchen } from "./kitchen.ts";
import { MergedTree } from "./merged-tree.ts";
import type { OnProgress } from "./progress.ts";
import { buildStages } from "./stages.ts";

export interface BuildOptions {
  /** The directory that COPY reads from. */
  context: string;
  /** Default: `Dockerfile` in the context. */
  dockerfile?: string;
  /** Names for the image. Without any it is reachable by its id until the next prune. */
  tags?: readonly string[];
  /** Stop at this stage (name or number). */
  target?: string;
  buildArgs?: Readonly<Record<string, string>>;
  labels?: Readonly<Record<string, string>>;
  noCache?: boolean;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

export interface BuiltImage {
  id: string;
  /** Full references. */
  names: string[];
  /** Everything was cached. */
  cached: boolean;
}

/** Builds an image. Errors: DockerfileError with file and line; NotFound for a missing context or Dockerfile. */
export async function buildImage(kitchen: Kitchen, options: BuildOptions): Promise<BuiltImage> {
  const started = kitchen.clock.monotonic();
  const names = (options.tags ?? []).map(normalise);
  const { dockerfile, path } = readDockerfile(options);
  const onProgress = options.onProgress ?? (() => {});
  const hashes = new FileHashes(
    `${kitchen.root}/build-cache/files-${sha256(options.context).slice(7, 23)}`,
    kitchen.clock.now,
  );
  const epoch = options.buildArgs?.SOURCE_DATE_EPOCH;
  if (epoch !== undefined && !/^[0-9]+$/.test(epoch))
    throw invalid(`SOURCE_DATE_EPOCH=${epoch} is not a number of seconds`);
  const clampTo = epoch === undefined ? undefined : Number(epoch);
  try {
    const { state, cached } = await buildStages(
      kitchen,
      dockerfile,
      targetStage(dockerfile, options.target),
      {
        context: new MergedTree([{ dir: options.context, opaque: [] }]),
        ignore: readIgnore(options.context, path),
        hashes,
        buildArgs: options.buildArgs ?? {},
        noCache: options.noCache === true,
        clampTo,
        onProgress,
        signal: options.signal,
      },
    );
    for (const [key, value] of Object.entries(options.labels ?? {})) {
      state.config.Labels = { ...state.config.Labels, [key]: value };
    }
    await hashes.save();
    const target = await imageOf(kitchen, state.imageConfig(hostArchitecture), state.blobs, clampTo);
    const image = await kitchen.catalog.load(target);
    await state.chain();
    const same =
      names.length > 0 &&
      (await Promise.all(names.map((name) => kitchen.catalog.find(name)))).every(
        (other) => other?.id === image.id,
      );
    if (!same)
      await kitchen.catalog.publish(
        names.length > 0 ? names : [`wherry.local/unnamed:${image.id.slice(7, 19)}`],
        target,
      );
    const result: BuiltImage = { id: image.id, names, cached: cached && same };
    onProgress({ kind: "image", ...result, ms: kitchen.clock.monotonic() - started });
    return result;
  } catch (error) {
    throw explain(error, `building ${names[0] ?? options.context}`);
  }
}

function readDockerfile(options: BuildOptions): { dockerfile: Dockerfile; path: string } {
  const { context } = options;
  const stat = statSync(context, { throwIfNoEntry: false });
  if (stat === undefined) throw notFound(`there is no folder ${context} to build from`);
  if (!stat.isDirectory())
    throw invalid(`${context} is a file; an image is built from a folder (-f names the Dockerfile)`);
  const path = options.dockerfile ?? posix.join(context, "Dockerfile");
  try {
    return { dockerfile: parseDockerfile(readFileSync(path, "utf8"), path), path };
  } catch (error) {
    if (errno(error) === "ENOENT") throw notFound(`there is no Dockerfile at ${path}`);
    if (errno(error) === "EISDIR") throw invalid(`${path} is a directory, not a Dockerfile`);
    throw error;
  }
}

/** `<Dockerfile>.dockerignore` comes before the context's own. */
function readIgnore(context: string, dockerfile: string): IgnoreRules {
  for (const path of [`${dockerfile}.dockerignore`, posix.join(context, ".dockerignore")]) {
    try {
      return parseIgnore(readFileSync(path, "utf8"), path);
    } catch (error) {
      if (errno(error) !== "ENOENT") throw error;
    }
  }
  return ignoreNothing;
}

function targetStage(dockerfile: Dockerfile, target: string | undefined): Stage {
  const { stages } = dockerfile;
  if (target === undefined) return stages.at(-1) as Stage;
  const stage = stages.find((s) => s.name === target.toLowerCase() || String(s.index) === target);
  if (stage !== undefined) return stage;
  const names = stages.map((s) => s.name ?? String(s.index)).join(", ");
  throw new DockerfileError(dockerfile.file, 1, `there is no stage "${target}" (there are: ${names})`);
}
