import {
  createReadStream,
  createWriteStream,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join, posix, relative, resolve, sep } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { exitCodeOf, openExec } from "../../../client/index.ts";
import { UsageError } from "../../flags.ts";
import type { Command, Context } from "../command.ts";
import { containerOf, podOf } from "../pods.ts";

export const command: Command = {
  summary: "Copies files between here and a container (which must have tar).",
  usage: "cp (LOCAL [NAMESPACE/]POD:PATH | [NAMESPACE/]POD:PATH LOCAL) [-c CONTAINER]",
  flags: [
    { long: "container", short: "c", type: "string", help: "the container" },
    { long: "no-preserve", type: "boolean", help: "accepted for compatibility" },
    { long: "retries", type: "int", help: "accepted for compatibility" },
  ],
  async run(context, { flags, args }) {
    const [from, to, ...more] = args;
    if (!from || !to || more.length > 0) throw new UsageError("source and destination are required");
    const source = remoteOf(from);
    const target = remoteOf(to);
    if (source && target) throw new UsageError("one of src or dest must be a local file specification");
    if (!source && !target) throw new UsageError("one of src or dest must be a remote file specification");
    const remote = source ?? target;
    if (!remote) return 1;
    if (remote.path === "") throw new UsageError("filepath can not be empty");
    const scoped = remote.namespace
      ? {
          ...context,
          session: Object.assign(Object.create(context.session), { namespace: remote.namespace }),
        }
      : context;
    const pod = await podOf(scoped as Context, remote.pod);
    const where = {
      namespace: pod.metadata?.namespace ?? context.session.namespace,
      pod: pod.metadata?.name ?? "",
      container: containerOf(context, pod, flags.text("container")),
    };
    await (source ? download(context, where, remote.path, to) : upload(context, where, from, remote.path));
    return 0;
  },
};

interface Where {
  namespace: string;
  pod: string;
  container: string;
}

/** `[namespace/]pod:path`; undefined for a local path. */
function remoteOf(text: string): { namespace: string | undefined; pod: string; path: string } | undefined {
  const colon = text.indexOf(":");
  if (colon <= 0 || text.startsWith("/") || text.startsWith(".")) return undefined;
  const [first = "", second] = text.slice(0, colon).split("/");
  return {
    namespace: second === undefined ? undefined : first,
    pod: second ?? first,
    path: text.slice(colon + 1),
  };
}

async function upload(context: Context, where: Where, from: string, to: string): Promise<void> {
  const stat = statSync(from, { throwIfNoEntry: false });
  if (!stat) throw new Error(`${from} doesn't exist in local filesystem`);
  // A target that ends in a slash, or is a directory, gets the source's name appended.
  const isFolder = to.endsWith("/") || (await succeeds(context, where, ["test", "-d", to]));
  const target = isFolder ? posix.join(to, basename(resolve(from))) : to;
  const archive = pack();
  let problem = "";
  const session = await openExec(
    context.connection,
    "exec",
    {
      ...where,
      command: ["tar", "-xmf", "-", "-C", posix.dirname(target)],
      stdin: true,
      stdout: true,
      stderr: true,
      tty: false,
      signal: context.signal,
    },
    { stderr: (data) => void (problem += Buffer.from(data).toString("utf8")) },
  );
  const sent = (async () => {
    for await (const chunk of archive) await session.write(chunk as Buffer);
    session.endInput();
  })();
  await addTo(archive, from, posix.basename(target));
  archive.finalize();
  await sent;
  const status = await session.status;
  if (exitCodeOf(status) !== 0)
    throw new Error(problem.trim() || status.message || "tar failed in the container");
}

async function addTo(archive: ReturnType<typeof pack>, path: string, name: string): Promise<void> {
  const stat = lstatSync(path);
  const header = { name, mode: stat.mode & 0o7777, mtime: stat.mtime };
  if (stat.isDirectory()) {
    archive.entry({ ...header, type: "directory" });
    for (const entry of readdirSync(path)) await addTo(archive, join(path, entry), `${name}/${entry}`);
  } else if (stat.isSymbolicLink()) {
    archive.entry({ ...header, type: "symlink", linkname: readlinkSync(path) });
  } else if (stat.isFile()) {
    await pipeline(createReadStream(path), archive.entry({ ...header, type: "file", size: stat.size }));
  }
}

async function succeeds(context: Context, where: Where, command: string[]): Promise<boolean> {
  const session = await openExec(
    context.connection,
    "exec",
    { ...where, command, stdin: false, stdout: true, stderr: true, tty: false, signal: context.signal },
    {},
  );
  return exitCodeOf(await session.status) === 0;
}

async function download(context: Context, where: Where, from: string, to: string): Promise<void> {
  const path = from.replace(/\/+$/, "") || "/";
  const stream = new PassThrough();
  let problem = "";
  const session = await openExec(
    context.connection,
    "exec",
    {
      ...where,
      command: ["tar", "cf", "-", path],
      stdin: false,
      stdout: true,
      stderr: true,
      tty: false,
      signal: context.signal,
    },
    {
      stdout: (data) => {
        if (!stream.write(data)) return new Promise((done) => stream.once("drain", () => done()));
      },
      stderr: (data) => void (problem += Buffer.from(data).toString("utf8")),
    },
  );
  const isFolder = statSync(to, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const target = resolve(isFolder ? join(to, posix.basename(path)) : to);
  const unpacked = unpack(stream, path.replace(/^\//, ""), target, context);
  const status = await session.status;
  stream.end();
  await unpacked;
  if (exitCodeOf(status) !== 0)
    throw new Error(problem.trim() || status.message || "tar failed in the container");
}

/** Extracts an archive's entries below `prefix` to `target`; entries cannot leave the target. */
async function unpack(stream: PassThrough, prefix: string, target: string, context: Context): Promise<void> {
  const archive = extract();
  const done = pipeline(stream, archive);
  for await (const entry of archive) {
    const name = posix.normalize(entry.header.name.replace(/^\//, ""));
    const below = posix.relative(posix.normalize(prefix), name);
    const path = resolve(target, below);
    const inside = relative(target, path);
    const link = entry.header.linkname ?? "";
    const leads = relative(target, resolve(dirname(path), link));
    if (inside.startsWith(`..${sep}`) || inside === "..") {
      context.io.err(`warning: ${entry.header.name} is outside the target, skipped\n`);
      entry.resume();
    } else if (entry.header.type === "directory") {
      mkdirSync(path, { recursive: true });
      entry.resume();
    } else if (entry.header.type === "symlink") {
      if (link.startsWith("/") || leads.startsWith(".."))
        context.io.err(`warning: link ${entry.header.name} -> ${link} leads outside, skipped\n`);
      else symlinkSync(link, path);
      entry.resume();
    } else {
      mkdirSync(dirname(path), { recursive: true });
      await pipeline(entry, createWriteStream(path, { mode: (entry.header.mode ?? 0o644) & 0o777 }));
    }
  }
  await done;
}
