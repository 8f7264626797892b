import type { BytePath } from "../tar/byte-path.ts";

/**
 * Operations missing in Node's `fs`: device nodes, fifos, extended attributes. In one batch per layer, after its ordinary
 * files. Paths are absolute.
 */
export interface SpecialNodes {
  apply(operations: readonly NodeOperation[]): Promise<void>;
  /** Extended attributes below `root`, by relative path ("" is the root). */
  readXattrs(root: BytePath): Promise<Map<BytePath, Map<string, string>>>;
  /** Flushes the file system that holds `path`. */
  sync(path: string): Promise<void>;
}

export type NodeOperation =
  | {
      kind: "node";
      path: BytePath;
      type: "character-device" | "block-device" | "fifo";
      mode: number;
      uid: number;
      gid: number;
      major: number;
      minor: number;
    }
  | { kind: "xattr"; path: BytePath; name: string; value: string };

/** overlayfs: a character device 0/0 in an upper layer is a whiteout (kernel, filesystems/overlayfs). */
export const whiteoutNode = (path: BytePath): NodeOperation => ({
  kind: "node",
  path,
  type: "character-device",
  mode: 0,
  uid: 0,
  gid: 0,
  major: 0,
  minor: 0,
});

/** overlayfs: marks a directory opaque, which hides all lower layers. */
export const opaqueAttribute = "trusted.overlay.opaque";

/**
 * Only what unprivileged users may create: whiteouts, fifos, and attributes of the user namespace. Such a store can be
 * inspected, built into and saved, and its blobs are complete; containers need root anyway.
 */
export function unprivilegedNodes(nodes: SpecialNodes): SpecialNodes {
  const allowed = (operation: NodeOperation): boolean => {
    if (operation.kind === "xattr") return operation.name.startsWith("user.");
    return operation.type === "fifo" || (operation.major === 0 && operation.minor === 0);
  };
  return {
    ...nodes,
    apply: async (operations) => {
      const possible = operations
        .filter(allowed)
        .map((o) => (o.kind === "node" ? { ...o, uid: own().uid, gid: own().gid } : o));
      if (possible.length > 0) await nodes.apply(possible);
    },
  };
}

const own = (): { uid: number; gid: number } => ({
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
});
