import { statSync } from "node:fs";
import {
  adminTransport,
  applyAndWait,
  type BuiltFor,
  buildImagesOf,
  ClusterError,
  down,
  up,
} from "../../cluster/index.ts";
import { UsageError } from "../flags.ts";
import { type Manifest, readManifests } from "../kubectl/manifests.ts";
import type { OwnCommand } from "../own-command.ts";
import { progressTo } from "../progress.ts";
import { apiServerFlags, apiServerSettings } from "./api-server-flags.ts";
import { choiceOf, clusterFlags, outputFlag } from "./cluster-flags.ts";

export const command: OwnCommand = {
  summary: "Starts a cluster, or finds it running; with -f makes it run what manifests say.",
  usage:
    "wherry up [-f FILE|FOLDER|-]... [--name N] [--data-dir D] [--nodes K] [--simulate] [--foreground] [-o json]",
  flags: [
    {
      long: "filename",
      short: "f",
      type: "list",
      help: "manifests; a folder may hold a folder per image with its Dockerfile",
    },
    ...clusterFlags,
    outputFlag,
    { long: "nodes", type: "int", help: "how many nodes (with --simulate)" },
    { long: "simulate", type: "boolean", help: "nodes that only pretend to run containers" },
    { long: "foreground", type: "boolean", help: "stay until Ctrl-C, then stop the cluster" },
    { long: "api-port", type: "int", help: "port of the API server" },
    { long: "timeout", type: "int", help: "seconds until everything must be ready, default 180" },
    ...apiServerFlags,
  ],
  async run({ flags, args }, io, signal) {
    if (args.length > 0)
      throw new UsageError(`up takes no arguments, got "${args.join(" ")}"; manifests are given with -f`);
    const nodes = flags.int("nodes");
    if (nodes !== undefined && nodes < 1) throw new UsageError("--nodes wants a number of at least 1");
    if (nodes !== undefined && nodes > 1 && !flags.on("simulate")) {
      throw new UsageError(
        "--nodes above 1 needs --simulate: several real nodes on one machine are not there yet",
      );
    }
    const format = flags.text("output");
    if (format !== undefined && format !== "json") throw new UsageError(`-o knows json, not "${format}"`);
    const progress = progressTo(io, () => performance.now());
    const files = flags.list("filename");
    // Before anything starts: a mistake in a manifest changes nothing.
    let manifests = files.length === 0 ? [] : await readAll(files);
    const choice = choiceOf(flags);
    const apiPort = flags.int("api-port");
    const apiServer = apiServerSettings(flags);
    const started = await up({
      ...choice,
      simulate: flags.on("simulate"),
      // Images are built while the node becomes ready.
      until: files.length > 0 ? "api" : "ready",
      onProgress: progress,
      signal,
      ...(nodes === undefined ? {} : { nodes }),
      ...(apiPort === undefined ? {} : { apiPort }),
      ...(apiServer === undefined ? {} : { apiServer }),
    });
    if (started.simulated) io.err(`wherry: simulated nodes only: ${started.simulated}\n`);
    const goesOn = (): void =>
      io.err(`interrupted; cluster "${started.config.name}" goes on ('wherry down' stops it)\n`);
    signal.addEventListener("abort", goesOn, { once: true });
    let url: string | undefined;
    if (files.length > 0) {
      const images: BuiltFor[] = [];
      if (!started.simulated) {
        for (const folder of files.filter((file) => file !== "-" && statSync(file).isDirectory())) {
          images.push(
            ...(await buildImagesOf({ config: started.config, folder, onProgress: progress, signal })),
          );
        }
      }
      const api = adminTransport(started.config);
      try {
        const seconds = flags.int("timeout");
        ({ url } = await applyAndWait({
          api,
          manifests,
          images,
          onProgress: progress,
          signal,
          ...(seconds === undefined ? {} : { timeoutMs: seconds * 1000 }),
        }));
      } finally {
        await api.close();
      }
    }
    progress(files.length > 0 ? "everything is ready" : "ready");
    if (files.length === 0)
      io.err(`kubectl works with context "${started.config.context}" in ${started.kubeconfig}\n`);
    signal.removeEventListener("abort", goesOn);
    const server = `https://127.0.0.1:${started.config.apiPort}`;
    const { name, context, dataDir } = started.config;
    const facts = { name, server, context, kubeconfig: started.kubeconfig, dataDir, url };
    io.out(format === "json" ? `${JSON.stringify(facts, null, 2)}\n` : `${url ?? server}\n`);
    if (flags.on("foreground")) {
      progress("stays until Ctrl-C");
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      await down({ ...choice, onProgress: progress });
    }
    return 0;
  },
};

async function readAll(files: readonly string[]): Promise<Manifest[]> {
  const manifests = await readManifests(files, false);
  if (manifests.length === 0) {
    throw new ClusterError(`${files.join(", ")}: no manifests there`, {
      hint: "Name files that end in .yaml, .yml or .json.",
    });
  }
  return manifests;
}
