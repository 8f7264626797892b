import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
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
  /** Where the launch socket is made (0600); short, a socket's path has at most 107 bytes. */
  runDir?: string;
  /** Called once when the process ended without `close()`. */
  onExit?: (reason: string) => void;
}

/** Starts the helper. Rejects when the binary is missing or cannot run here. */
export async function openNative(binary: string, options: NativeOptions = {}): Promise<Native> {
  const launchSocket = join(options.runDir ?? tmpdir(), `n${randomBytes(4).toString("hex")}.sock`);
  const child = spawn(binary, ["serve", launchSocket], {
    stdio: ["pipe", "pipe", "pipe"],
    cwd: "/",
    env: {},
  });
  interface Waiting {
    op: string;
    resolve(fields: Buffer[]): void;
    reject(error: Error): void;
  }
  const waiting = new Map<number, Waiting>();
  let next = 0;
  let ended: Error | undefined;
  let closing = false;
  let complaint = "";
  child.stderr.on("data", (data: Buffer) => {
    complaint = (complaint + data.toString()).slice(-2000);
  });
  const end = (reason: string): void => {
    if (ended) return;
    ended = new Error(`the native helper ${binary} ${reason}${complaint ? `: ${complaint.trim()}` : ""}`);
    for (const one of waiting.values()) one.reject(ended);
    waiting.clear();
    if (!closing) options.onExit?.(ended.message);
  };
  const exited = new Promise<void>((resolve) => {
    child.once("close", (code, signal) => {
      end(`ended (${signal ?? code})`);
      resolve();
    });
    child.once("error", (error) => {
      end(`cannot be started (${error.message})`);
      resolve();
    });
  });
  child.stdin.on("error", () => undefined); // the close event says it all
  child.stdout.on(
    "data",
    frameReader((type, payload) => {
      const one = waiting.get(type);
      waiting.delete(type);
      // An idle helper must not keep the program alive.
      if (waiting.size === 0) hold(false);
      const [status, ...rest] = decodeFields(payload);
      if (status?.toString() === "ok") one?.resolve(rest);
      else one?.reject(errorOf(one.op, rest));
    }),
  );
  const hold = (on: boolean): void => {
    for (const stream of [child.stdin, child.stdout, child.stderr]) {
      const handle = stream as Duplex & { ref?(): void; unref?(): void };
      if (on) handle.ref?.();
      else handle.unref?.();
    }
    if (on) child.ref();
    else child.unref();
  };
  const call = (op: string, ...args: Field[]): Promise<Buffer[]> =>
    new Promise((resolve, reject) => {
      if (ended) {
        reject(ended);
        return;
      }
      const id = next++ >>> 0;
      if (waiting.size === 0) hold(true);
      waiting.set(id, { op, resolve, reject });
      child.stdin.write(encodeFrame(id, encodeFields([op, ...args])));
    });

  await call("ping");
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
    applyNft,
    listNft,
    async close() {
      closing = true;
      hold(true);
      child.stdin.end();
      await exited;
    },
  };
}

function errorOf(op: string, fields: Buffer[]): NativeError {
  const [step = "", errno = "0", detail = ""] = fields.map(String);
  return new NativeError(op, step, Number(errno), errnoName(Number(errno)), detail);
}

/** Dots separate; a key with slashes keeps its dots, as an interface name may have some (sysctl(8)). */
export function sysctlPath(key: string): string {
  return key.includes("/") ? key : key.replaceAll(".", "/");
}

function idMap(ranges: readonly IdRange[] = []): string {
  return ranges.map((r) => `${r.containerId} ${r.hostId} ${r.length}\n`).join("");
}

/** Values of mount(2), the same on every architecture. */
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
