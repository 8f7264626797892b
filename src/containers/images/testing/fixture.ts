import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { ImageStore } from "../contract.ts";
import { commandNodes } from "../layer/command-nodes.ts";
import type { NodeOperation, SpecialNodes } from "../layer/special-nodes.ts";
import { type ImageStoreOptions, openImageStore } from "../open.ts";

/** A directory that is removed after the test. */
export function temporaryDirectory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "wherry-images-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export interface RecordingNodes extends SpecialNodes {
  operations: NodeOperation[];
}

/** Creates nothing and records calls. */
export function recordingNodes(): RecordingNodes {
  const operations: NodeOperation[] = [];
  return {
    operations,
    apply: async (batch) => {
      operations.push(...batch);
    },
    readXattrs: async () => new Map(),
    sync: async () => {},
  };
}

/** A store in a temporary directory, without root. */
export async function temporaryStore(
  t: TestContext,
  options: Partial<ImageStoreOptions> = {},
): Promise<ImageStore> {
  const dir = options.dir ?? temporaryDirectory(t);
  const store = await openImageStore({ nodes: recordingNodes(), privileged: false, ...options, dir });
  t.after(() => store.close());
  return store;
}

/** The real helper; undefined without root or when it is not compiled. */
export function realNodes(): SpecialNodes | undefined {
  const helper = fileURLToPath(new URL("../../../../dist/wherry-nodes", import.meta.url));
  return process.getuid?.() === 0 && existsSync(helper) ? commandNodes([helper]) : undefined;
}

export const needsRoot =
  realNodes() === undefined ? "needs root and dist/wherry-nodes (npm run setup)" : false;
