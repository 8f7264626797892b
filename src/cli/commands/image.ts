import type { BuildProgress, ImageDetails, ImageStore } from "../../containers/index.ts";
import { familiar } from "../../containers/index.ts";
import { openClusterImages } from "../../cluster/index.ts";
import { humanDuration } from "../../machinery/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";
import { alignColumns } from "../kubectl/print/columns.ts";
import type { Output, OwnCommand } from "../own-command.ts";
import { choiceOf, clusterFlags, outputFlag } from "./cluster-flags.ts";

const flags: readonly FlagSpec[] = [
  ...clusterFlags,
  outputFlag,
  { long: "tag", short: "t", type: "list", help: "build, base, load: a name for the image" },
  {
    long: "file",
    short: "f",
    type: "string",
    help: "build: the Dockerfile, default Dockerfile in the folder",
  },
  { long: "build-arg", type: "list", help: "build: NAME=VALUE for ARG" },
  { long: "label", type: "list", help: "build: NAME=VALUE" },
  { long: "target", type: "string", help: "build: stop at this stage" },
  { long: "no-cache", type: "boolean", help: "build: do every step again" },
  {
    long: "packages",
    type: "list",
    help: "base: Debian packages, with commas; what they depend on comes along",
  },
  { long: "node", type: "boolean", help: "base: wherry's own Node" },
  { long: "format", type: "string", help: "save: oci (default) or docker" },
  { long: "output-file", type: "string", help: "save: the archive to write, - for standard output" },
  { long: "quiet", short: "q", type: "boolean", help: "only ids or names" },
  { long: "cache", type: "boolean", help: "prune: the build cache too" },
];

type Action = (
  store: ImageStore,
  args: readonly string[],
  flags: Flags,
  io: Output,
  signal: AbortSignal,
) => Promise<void>;

const actions: Record<string, Action> = { build, base, ls, inspect, rm, tag, load, save, prune };

export const command: OwnCommand = {
  summary: "Builds, loads, saves and lists the images of a cluster.",
  usage: `wherry image build [-t NAME] FOLDER
  wherry image base (--packages NAME,... | --node) -t NAME
  wherry image ls | inspect NAME | rm NAME... | tag NAME NEW | prune
  wherry image load ARCHIVE... | save NAME... --output-file ARCHIVE`,
  flags,
  async run({ flags: given, args }, io, signal) {
    const [verb = "", ...rest] = args;
    const action = actions[verb];
    if (!action)
      throw new UsageError(
        `image ${verb}: there is build, base, ls, inspect, rm, tag, load, save and prune (pull and push come later)`,
      );
    const store = await openClusterImages(choiceOf(given));
    try {
      await action(store, rest, given, io, signal);
    } finally {
      await store.close();
    }
    return 0;
  },
};

function pairs(texts: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf("=");
      if (equals <= 0) throw new UsageError(`--${flag} wants NAME=VALUE, got "${text}"`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

async function build(
  store: ImageStore,
  args: readonly string[],
  given: Flags,
  io: Output,
  signal: AbortSignal,
): Promise<void> {
  const [context] = args;
  if (!context) throw new UsageError("image build [-t NAME] FOLDER");
  const dockerfile = given.text("file");
  const target = given.text("target");
  const built = await store.build({
    context,
    tags: given.list("tag"),
    buildArgs: pairs(given.list("build-arg"), "build-arg"),
    labels: pairs(given.list("label"), "label"),
    noCache: given.on("no-cache"),
    signal,
    ...(dockerfile ? { dockerfile } : {}),
    ...(target ? { target } : {}),
    onProgress: (step) => {
      if (!given.on("quiet")) io.err(progressText(step));
    },
  });
  io.out(
    given.on("quiet")
      ? `${built.id}\n`
      : `${built.names.map(familiar).join(", ") || built.id}${built.cached ? " (unchanged)" : ""}\n`,
  );
}

function progressText(progress: BuildProgress): string {
  switch (progress.kind) {
    case "step":
      return `[${progress.step}/${progress.steps}] ${progress.text}\n`;
    case "output":
      return progress.text;
    case "note":
      return `${progress.text}\n`;
    case "stepDone":
    case "image":
      return "";
  }
}

async function base(store: ImageStore, _args: readonly string[], given: Flags, io: Output): Promise<void> {
  const tags = given.list("tag");
  const packages = given
    .list("packages")
    .flatMap((text) => text.split(","))
    .filter(Boolean);
  if (tags.length === 0 || (packages.length === 0) === !given.on("node")) {
    throw new UsageError("image base (--packages NAME,... | --node) -t NAME");
  }
  const built = await store.buildBase(
    given.on("node") ? { node: process.execPath, tags } : { packages, tags },
  );
  io.out(`${built.names.map(familiar).join(", ")}\n`);
}

async function ls(store: ImageStore, _args: readonly string[], given: Flags, io: Output): Promise<void> {
  const images = await store.list();
  if (given.text("output") === "json") {
    io.out(`${JSON.stringify(images, null, 2)}\n`);
    return;
  }
  const rows = images.flatMap((image) =>
    (image.names.length > 0 ? image.names : ["<none>"]).map((name) => row(image, name)),
  );
  if (given.on("quiet")) io.out(images.map((image) => `${image.id}\n`).join(""));
  else io.out(alignColumns([["IMAGE", "ID", "CREATED", "SIZE"], ...rows]));
}

function row(image: ImageDetails, name: string): string[] {
  const created = image.config.created;
  const age = created ? `${humanDuration(Date.now() - Date.parse(created))} ago` : "<unknown>";
  return [familiar(name), image.id.slice(7, 19), age, `${(image.size / 1e6).toFixed(1)} MB`];
}

async function inspect(store: ImageStore, args: readonly string[], _given: Flags, io: Output): Promise<void> {
  if (args.length === 0) throw new UsageError("image inspect NAME...");
  const found = [];
  for (const name of args) {
    const image = await store.inspect(name);
    if (!image) throw new Error(`there is no image ${name}: 'wherry image ls' shows what there is`);
    found.push(image);
  }
  io.out(`${JSON.stringify(found, null, 2)}\n`);
}

async function rm(store: ImageStore, args: readonly string[], _given: Flags, io: Output): Promise<void> {
  if (args.length === 0) throw new UsageError("image rm NAME...");
  for (const name of args) {
    const removed = await store.remove(name);
    for (const gone of removed.untagged) io.out(`untagged ${familiar(gone)}\n`);
  }
}

async function tag(store: ImageStore, args: readonly string[]): Promise<void> {
  const [source, target, ...more] = args;
  if (!source || !target || more.length > 0) throw new UsageError("image tag NAME NEW");
  await store.tag(source, target);
}

async function load(store: ImageStore, args: readonly string[], given: Flags, io: Output): Promise<void> {
  if (args.length === 0) throw new UsageError("image load ARCHIVE... (- for standard input)");
  const [name] = given.list("tag");
  for (const archive of args) {
    const loaded = await store.load(archive === "-" ? process.stdin : archive, name ? { name } : {});
    for (const image of loaded) io.out(`loaded ${image.names.map(familiar).join(", ") || image.id}\n`);
  }
}

async function save(store: ImageStore, args: readonly string[], given: Flags): Promise<void> {
  const target = given.text("output-file");
  const format = given.text("format") ?? "oci";
  if (args.length === 0 || !target) throw new UsageError("image save NAME... --output-file ARCHIVE");
  if (format !== "oci" && format !== "docker")
    throw new UsageError(`--format is oci or docker, not "${format}"`);
  await store.save(args, target === "-" ? process.stdout : target, { format });
}

async function prune(store: ImageStore, _args: readonly string[], given: Flags, io: Output): Promise<void> {
  const collected = await store.prune({ cache: given.on("cache") });
  io.out(`${JSON.stringify(collected)}\n`);
}
