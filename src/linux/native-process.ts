import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type IdRange,
  type LinkInfo,
  type MountFlag,
  type Native,
  NativeError,
  type RouteSpec,
} from "./contract.ts";
import { errnoName } from "./errno.ts";
import { applyNft, listNft } from "./nft.ts";
import { decodeFields, encodeFields, encodeFrame, type Field, frameReader } from "./wire.ts";

export interface NativeOptions {
  /** Path of the launch socket (0600); at most 107 bytes. */
  runDir?: string;
  /** Called each time that the process ended without `close()`. */
  onExit?: (reason: string) => void;
}

interface Waiting {
  op: string;
  resolve(fields: Buffer[]): void;
  reject(error: Error): void;
}

/** One run of the helper process. */
class Helper {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, Waiting>();
  readonly #binary: string;
  #next = 0;
  #ended: Error | undefined;
  #complaint = "";
  /** Resolves when it has ended. */
  readonly exited: Promise<Error>;

  constructor(binary: string, launchSocket: string) {
    this.#binary = binary;
    this.#child = spawn(binary, ["serve", launchSocket], {
      stdio: ["pipe", "pipe", "pipe"],
      cwd: "/",
      env: {},
    });
    const { stdin, stdout, stderr } = this.#child;
    stderr.on("data", (data: Buffer) => {
      this.#complaint = (this.#complaint + data.toString()).slice(-2000);
    });
    stdin.on("error", () => undefined); // reported by the close event
    stdout.on(
      "data",
      frameReader((type, payload) => this.#answer(type, payload)),
    );
    this.exited = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => resolve(this.#end(`ended (${signal ?? code})`)));
      this.#child.once("error", (error) => resolve(this.#end(`cannot be started (${error.message})`)));
    });
  }

  #answer(type: number, payload: Buffer): void {
    const one = this.#waiting.get(type);
    this.#waiting.delete(type);
    if (this.#waiting.size === 0) this.hold(false);
    const [status, ...rest] = decodeFields(payload);
    if (status?.toString() === "ok") one?.resolve(rest);
    else one?.reject(errorOf(one.op, rest));
  }

  #end(reason: string): Error {
    const complaint = this.#complaint.trim();
    this.#ended ??= new Error(
      `the native helper ${this.#binary} ${reason}${complaint ? `: ${complaint}` : ""}`,
    );
    for (const one of this.#waiting.values()) one.reject(this.#ended);
    this.#waiting.clear();
    return this.#ended;
  }

  /** An idle helper must not keep the program alive. */
  hold(on: boolean): void {
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) {
      const handle = stream as unknown as { ref?(): void; unref?(): void };
      if (on) handle.ref?.();
      else handle.unref?.();
    }
    if (on) this.#child.ref();
    else this.#child.unref();
  }

  call(op: string, args: readonly Field[]): Promise<Buffer[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      const id = this.#next++ >>> 0;
      if (this.#waiting.size === 0) this.hold(true);
      this.#waiting.set(id, { op, resolve, reject });
      this.#child.stdin.write(encodeFrame(id, encodeFields([op, ...args])));
    });
  }

  async close(): Promise<void> {
    this.hold(true);
    this.#child.stdin.end();
    await this.exited;
  }
}

/**
 * Starts the helper. Rejects when the binary is missing or cannot run here. One that ends later (killed for memory, for
 * example) is restarted: pending calls reject, later ones use the next.
 */
export async function openNative(binary: string, options: NativeOptions = {}): Promise<Native> {
  const launchSocket = join(options.runDir ?? tmpdir(), `n${randomBytes(4).toString("hex")}.sock`);
  let helper = new Helper(binary, launchSocket);
  let closing = false;
  const call = (op: string, ...args: Field[]): Promise<Buffer[]> => helper.call(op, args);
  const keep = (): void => {
    void helper.exited.then(async (reason) => {
      if (closing) return;
      options.onExit?.(reason.message);
      helper = new Helper(binary, launchSocket);
      // One that does not even respond is not restarted until the next open.
      await call("ping").then(keep, () => undefined);
    });
  };
  await call("ping");
  keep();
  const flag = async (op: string, ...args: Field[]): Promise<boolean> =>
    (await call(op, ...args))[0]?.toString() === "1";
  return {
    launchSocket,
    async createNamespaces(directory, types, o = {}) {
      const pins = types.flatMap((type) => [type, join(directory, type)]);
      const maps = [idMap(o.uids), idMap(o.gids)];
      await call("namespaces.create", directory, o.hostname ?? "", o.domainname ?? "", ...maps, ...pins);
    },
    async createNetns(path) {
      await call("namespaces.create", "", "", "", "", "", "net", path);
    },
    deleteNamespace: (path) => flag("namespace.delete", path),
    async ensureBridge(bridge) {
      await call("bridge", bridge.name, bridge.mtu ?? 0, bridge.mac ?? "", ...(bridge.addresses ?? []));
    },
    async addVeth(v) {
      const routes = v.routes.flatMap((route) => [route.dst, route.gw ?? ""]);
      const [hostMac, mac] = await call(
        "veth",
        v.hostName,
        v.bridge ?? "",
        v.hairpin ?? false,
        v.mtu ?? 0,
        v.netns,
        v.name,
        v.mac ?? "",
        v.addresses.length,
        ...v.addresses,
        ...routes,
      );
      return { hostMac: String(hostMac), mac: String(mac) };
    },
    deleteLink: (name, netns = "") => flag("link.delete", name, netns),
    async setLink(name, change, netns = "") {
      const bit = (value: boolean | undefined): string => (value === undefined ? "" : value ? "1" : "0");
      const { up, mtu = 0, master = "-", hairpin } = change;
      await call("link.set", name, netns, bit(up), mtu, master, bit(hairpin));
    },
    links: async (netns = "") => parseLinks(await call("links", netns)),
    async addAddress(link, address, netns = "") {
      await call("address.add", link, address, netns);
    },
    deleteAddress: (link, address, netns = "") => flag("address.delete", link, address, netns),
    async addRoute(route, netns = "") {
      await call("route.add", route.dst, route.gw ?? "", route.link ?? "", netns);
    },
    deleteRoute: (route, netns = "") =>
      flag("route.delete", route.dst, route.gw ?? "", route.link ?? "", netns),
    routes: async (netns = "") => parseRoutes(await call("routes", netns)),
    async setSysctl(key, value, namespaces = []) {
      await call("sysctl.set", sysctlPath(key), value, ...namespaces);
    },
    async sysctl(key, namespaces = []) {
      return String((await call("sysctl.get", sysctlPath(key), ...namespaces))[0]).trim();
    },
    async mount(m) {
      await call("mount", m.source, m.target, m.type ?? "", mountFlags(m.flags ?? []), m.data ?? "");
    },
    umount: (target, o = {}) => flag("umount", target, o.detach ?? false),
    async bindMount(source, target, o = {}) {
      await call("bind", source, target, o.recursive ?? false, o.readonly ?? false, o.private ?? false);
    },
    async overlayMount(o) {
      await call("overlay", o.target, o.upper ?? "", o.work ?? "", o.volatile ?? false, ...o.lower);
    },
    async readLayers(layers, path, maxBytes) {
      const [found, data] = await call("layers.read", path, maxBytes, ...layers);
      return found?.length ? Buffer.from(data ?? "") : undefined;
    },
    async changeFiles(changes) {
      const fields = changes.flatMap((change): Field[] => {
        if ("mkdir" in change) return ["mkdir", change.mkdir, "", false];
        if ("rmdir" in change) return ["rmdir", change.rmdir, "", false];
        return ["write", change.path, change.value, change.tolerate ?? false];
      });
      await call("files", ...fields);
    },
    async warmCgroups(procs) {
      await call("cgroup.warm", procs);
    },
    applyNft,
    listNft,
    async close() {
      closing = true;
      await helper.close();
    },
  };
}

function errorOf(op: string, fields: Buffer[]): NativeError {
  const [step = "", errno = "0", detail = ""] = fields.map(String);
  return new NativeError(op, step, Number(errno), errnoName(Number(errno)), detail);
}

/** Dots are separators; a key with slashes keeps its dots, which interface names may contain (sysctl(8)). */
function sysctlPath(key: string): string {
  return key.includes("/") ? key : key.replaceAll(".", "/");
}

function idMap(ranges: readonly IdRange[] = []): string {
  return ranges.map((r) => `${r.containerId} ${r.hostId} ${r.length}\n`).join("");
}

/** Values of mount(2), equal on every architecture. */
const mountFlagBits: Record<MountFlag, number> = {
  ro: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  remount: 32,
  noatime: 1024,
  bind: 4096,
  rec: 16384,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  relatime: 1 << 21,
  strictatime: 1 << 24,
};

function mountFlags(flags: readonly MountFlag[]): number {
  return flags.reduce((bits, flag) => bits | mountFlagBits[flag], 0);
}

function parseLinks(lines: readonly Buffer[]): LinkInfo[] {
  const links = new Map<string, LinkInfo>();
  for (const line of lines) {
    const [what, index = "", ...rest] = line.toString().split("\t");
    if (what === "address") links.get(index)?.addresses.push(rest[0] ?? "");
    if (what !== "link") continue;
    const [name = "", kind = "", mac = "", mtu, up, master] = rest;
    const link: LinkInfo = {
      index: Number(index),
      name,
      kind,
      mac,
      mtu: Number(mtu),
      up: up === "1",
      addresses: [],
    };
    if (master !== "0") link.master = Number(master);
    links.set(index, link);
  }
  return [...links.values()];
}

function parseRoutes(lines: readonly Buffer[]): RouteSpec[] {
  const names = new Map(parseLinks(lines).map((link) => [String(link.index), link.name]));
  return lines
    .map((line) => line.toString().split("\t"))
    .filter(([what]) => what === "route")
    .map(([, dst = "", gw = "", link = ""]) => ({
      dst,
      ...(gw && { gw }),
      ...(names.has(link) && { link: names.get(link) }),
    }));
}
