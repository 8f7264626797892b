import type { SpecMount } from "./spec.ts";

/** mount_setattr(2) */
const attributes: Record<string, bigint> = {
  ro: 0x1n,
  nosuid: 0x2n,
  nodev: 0x4n,
  noexec: 0x8n,
  relatime: 0n,
  noatime: 0x10n,
  strictatime: 0x20n,
  nodiratime: 0x80n,
  nosymfollow: 0x200000n,
};
/** Defaults without a flag. */
const nothing = new Set(["rw", "suid", "dev", "exec", "atime", "diratime", "defaults", "async"]);
const propagations: Record<string, number> = {
  private: 1 << 18,
  rprivate: 1 << 18,
  slave: 1 << 19,
  rslave: 1 << 19,
  shared: 1 << 20,
  rshared: 1 << 20,
  unbindable: 1 << 17,
  runbindable: 1 << 17,
};

export interface MountOptions {
  bind: boolean;
  recursive: boolean;
  attributes: bigint;
  /** The attributes are recursive (`rro`). */
  all: boolean;
  /** File owners are mapped by the container's user namespace (`idmap`, `ridmap`). */
  mapped: boolean;
  /** MS_* flag, 0 for none. */
  propagation: number;
  /** Key and value; "" for a flag. */
  data: [string, string][];
}

/** Parses the options of an OCI mount. Pure. */
export function mountOptions(mount: SpecMount): MountOptions {
  const out: MountOptions = {
    bind: mount.type === "bind",
    recursive: false,
    attributes: 0n,
    all: false,
    mapped: false,
    propagation: 0,
    data: [],
  };
  for (const option of mount.options) {
    const recursive = option.startsWith("r") ? attributes[option.slice(1)] : undefined;
    if (option === "bind" || option === "rbind") {
      out.bind = true;
      out.recursive ||= option === "rbind";
    } else if (option === "idmap" || option === "ridmap") {
      out.mapped = true;
    } else if (attributes[option] !== undefined) {
      out.attributes |= attributes[option];
    } else if (recursive !== undefined) {
      out.attributes |= recursive;
      out.all = true;
    } else if (propagations[option] !== undefined) {
      out.propagation = propagations[option];
    } else if (!nothing.has(option)) {
      const at = option.indexOf("=");
      out.data.push(at < 0 ? [option, ""] : [option.slice(0, at), option.slice(at + 1)]);
    }
  }
  return out;
}
