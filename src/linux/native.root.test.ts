import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { NativeError } from "./contract.ts";
import { openNative } from "./native-process.ts";
import type { Native } from "./contract.ts";

const binary = new URL("../../dist/wherry-native", import.meta.url).pathname;
const skip =
  process.getuid?.() !== 0 ? "needs root" : existsSync(binary) ? false : "needs native/build.sh to have run";

describe("the native helper", { skip }, () => {
  let native: Native;
  let dir: string;
  let sayDied: (reason: string) => void = () => undefined;
  const netns = (): string => join(dir, "pod", "net");
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "wherry-linux-"));
    native = await openNative(binary, { runDir: dir, onExit: (reason) => sayDied(reason) });
  });
  after(async () => {
    await native.deleteLink("whrt0");
    for (const type of ["net", "ipc", "uts"]) await native.deleteNamespace(join(dir, "pod", type));
    await native.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it("makes namespaces with lo up, and a veth pair from a bridge into one", async () => {
    await native.createNamespaces(join(dir, "pod"), ["net", "ipc", "uts"], { hostname: "web-0" });
    assert.equal(await native.sysctl("kernel.hostname", [join(dir, "pod", "uts")]), "web-0");
    await native.ensureBridge({ name: "whrt0", mtu: 1400, addresses: ["10.213.7.1/24", "fd13:7::1/64"] });
    await native.ensureBridge({ name: "whrt0", mtu: 1400, addresses: ["10.213.7.1/24"] });
    const veth = {
      hostName: "whrtv1",
      bridge: "whrt0",
      hairpin: true,
      mtu: 1400,
      netns: netns(),
      name: "eth0",
      mac: "0a:58:0a:d5:07:02",
      addresses: ["10.213.7.2/24", "fd13:7::2/64"],
      routes: [{ dst: "0.0.0.0/0", gw: "10.213.7.1" }],
    };
    const { mac } = await native.addVeth(veth);
    assert.equal(mac, "0a:58:0a:d5:07:02");
    const inside = await native.links(netns());
    assert.deepEqual(
      inside.map((l) => [l.name, l.up, l.addresses.filter((a) => !a.startsWith("fe80"))]),
      [
        ["lo", true, ["127.0.0.1/8", "::1/128"]],
        ["eth0", true, ["10.213.7.2/24", "fd13:7::2/64"]],
      ],
    );
    assert.ok(
      (await native.routes(netns())).some(
        (r) => r.dst === "0.0.0.0/0" && r.gw === "10.213.7.1" && r.link === "eth0",
      ),
    );
    const outside = await native.links();
    const bridge = outside.find((l) => l.name === "whrt0");
    assert.equal(outside.find((l) => l.name === "whrtv1")?.master, bridge?.index);
    assert.equal(bridge?.mtu, 1400);
    await assert.rejects(native.addVeth({ ...veth, name: "eth1" }), { code: "EEXIST", step: "veth" });
    assert.equal(await native.deleteLink("whrtv1"), true);
    assert.equal(await native.deleteLink("whrtv1"), false);
    assert.deepEqual(
      (await native.links(netns())).map((l) => l.name),
      ["lo"],
    );
  });

  it("sets a sysctl of a namespace and not the host's", async () => {
    const before = await native.sysctl("net.ipv4.ip_unprivileged_port_start");
    await native.setSysctl("net.ipv4.ip_unprivileged_port_start", "77", [netns()]);
    assert.equal(await native.sysctl("net.ipv4.ip_unprivileged_port_start", [netns()]), "77");
    assert.equal(await native.sysctl("net.ipv4.ip_unprivileged_port_start"), before);
    await assert.rejects(native.setSysctl("../../etc/passwd", "x"), NativeError);
  });

  it("reads a file of layers without leaving them", async () => {
    const lower = join(dir, "lower");
    const upper = join(dir, "upper");
    await mkdir(join(lower, "etc"), { recursive: true });
    await mkdir(join(upper, "etc"), { recursive: true });
    writeFileSync(join(lower, "etc/passwd"), "low");
    writeFileSync(join(dir, "secret"), "host");
    assert.equal(String(await native.readLayers([lower, upper], "/etc/passwd", 100)), "low");
    await symlink("../../secret", join(upper, "etc/group"));
    assert.equal(await native.readLayers([lower, upper], "/etc/group", 100), undefined);
    await assert.rejects(native.readLayers([lower], "/etc/passwd", 2), { code: "EFBIG" });
  });

  it("is started anew when it was killed", async () => {
    const [pid] = execFileSync("pgrep", ["-f", `serve ${native.launchSocket}`])
      .toString()
      .trim()
      .split("\n");
    const died = new Promise<string>((resolve) => {
      sayDied = resolve;
    });
    process.kill(Number(pid), "SIGKILL");
    assert.match(await died, /ended \(SIGKILL\)/);
    await native.links();
    assert.ok(existsSync(native.launchSocket));
  });

  it("mounts and unmounts", async () => {
    const target = join(dir, "bound");
    await mkdir(target);
    await native.bindMount(join(dir, "lower"), target, { readonly: true });
    assert.ok(existsSync(join(target, "etc/passwd")));
    assert.throws(() => writeFileSync(join(target, "x"), ""), { code: "EROFS" });
    assert.equal(await native.umount(target), true);
    assert.equal(await native.umount(target), false);
  });
});
