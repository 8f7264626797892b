import { posix } from "node:path";
import { CriError } from "../../../cri/index.ts";
import { imageOf } from "../build/finished-image.ts";
import type { Kitchen } from "../build/kitchen.ts";
import type { WrittenLayer } from "../build/layer-content.ts";
import { MergedTree } from "../build/merged-tree.ts";
import type { StoreLock } from "../store/lock.ts";
import { notFound } from "../image-error.ts";
import { type ContainerDefaults, hostArchitecture } from "../oci-format.ts";
import { type BaseRequest, baseDomain, parseBase } from "./base-reference.ts";
import { debianLayer } from "./debian-base.ts";
import { nodeLayer, nodeStamp } from "./node-base.ts";

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const stampLabel = "local.wherry.node";

export interface BaseOptions {
  /** The Node binary for Node images; default: the running one. */
  node?: string;
  note: (text: string) => void;
}

/** Builds a `wherry.local/...` image under its own name, unless it exists. False for other names. */
export async function makeBase(
  kitchen: Kitchen,
  reference: string,
  options: BaseOptions,
  lock: StoreLock,
): Promise<boolean> {
  const request = parseBase(reference);
  if (request === undefined) return false;
  const node = options.node ?? process.execPath;
  if (request.kind === "node") checkVersion(request.version);
  const isThere = async (): Promise<boolean> => {
    const present = await kitchen.catalog.find(reference);
    return (
      present !== undefined &&
      (request.kind !== "node" || present.config.config?.Labels?.[stampLabel] === nodeStamp(node))
    );
  };
  if (await isThere()) return true;
  return lock.hold(async () => {
    if (await isThere()) return true;
    options.note(`making ${reference.replace(/:latest$/, "")}`);
    await createBase(kitchen, request, [reference], { ...options, node });
    return true;
  });
}

/** Builds a base image with these names. */
export async function createBase(
  kitchen: Kitchen,
  request: BaseRequest,
  names: readonly string[],
  options: BaseOptions,
): Promise<string> {
  const { layers, config } = await baseContent(kitchen, request, options);
  const target = imageOf(
    kitchen,
    {
      architecture: hostArchitecture,
      os: "linux",
      config,
      rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
      history: layers.map(() => ({ created_by: describe(request) })),
    },
    layers.map((layer) => layer.descriptor),
  );
  const image = await kitchen.catalog.load(await target);
  await kitchen.layers.chain(
    image.config.rootfs.diff_ids,
    image.manifest.layers.map((layer) => layer.digest),
  );
  await kitchen.catalog.publish(names, image.target);
  return image.id;
}

async function baseContent(
  kitchen: Kitchen,
  request: BaseRequest,
  options: BaseOptions,
): Promise<{ layers: WrittenLayer[]; config: ContainerDefaults }> {
  switch (request.kind) {
    case "busybox":
      return {
        layers: [await debianLayer(kitchen, ["busybox-static"], options.note)],
        config: { Env: [`PATH=${path}`], Cmd: ["sh"] },
      };
    case "debian":
      return {
        layers: [await debianLayer(kitchen, request.packages, options.note)],
        config: {
          Env: [`PATH=${path}`],
          Cmd: ["sh"],
          Labels: { "local.wherry.packages": request.packages.join(" ") },
        },
      };
    case "node": {
      const node = options.node ?? process.execPath;
      const below = await debianLayer(kitchen, ["busybox-static"], options.note);
      const [chain] = await kitchen.layers.chain([below.diffId], [below.descriptor.digest]);
      const tree = new MergedTree(chain === undefined ? [] : [{ dir: chain.dir, opaque: chain.meta.opaque }]);
      return {
        layers: [below, await nodeLayer(kitchen, tree, node)],
        config: {
          Env: [`PATH=${path}`, `NODE_VERSION=${process.version.slice(1)}`],
          Cmd: ["node"],
          Labels: { [stampLabel]: nodeStamp(node) },
        },
      };
    }
  }
}

function checkVersion(version: string): void {
  const own = process.version.slice(1);
  if (version === "latest" || version === own || own.startsWith(`${version}.`)) return;
  throw notFound(
    `${baseDomain}/node:${version} cannot be made: wherry brings Node ${own} (${baseDomain}/node, or ${baseDomain}/node:${own.split(".")[0]})`,
  );
}

const describe = (request: BaseRequest): string =>
  request.kind === "debian"
    ? `Debian packages ${request.packages.join(" ")}`
    : posix.join(baseDomain, request.kind);

/** For the command line: `wherry image base --packages a,b` or `--node`. */
export function baseRequest(options: { packages?: readonly string[]; node?: boolean | string }): BaseRequest {
  const { packages = [], node = false } = options;
  if (node !== false && packages.length > 0)
    throw new CriError("InvalidArgument", "a base image is made of packages or of Node, not both");
  if (node !== false) return { kind: "node", version: "latest" };
  if (packages.length === 0)
    throw new CriError("InvalidArgument", "name the Debian packages for the base image, or ask for Node");
  return { kind: "debian", packages: [...packages] };
}
