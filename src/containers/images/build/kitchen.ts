import type { Clock } from "../../../machinery/index.ts";
import type { Layers } from "../layer/layers.ts";
import type { SpecialNodes } from "../layer/special-nodes.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Catalog } from "../store/catalog.ts";
import type { BuildRunner } from "./runner.ts";
import type { StepCache } from "./step-cache.ts";

/** What a build works with; parts of the store, handed in. */
export interface Kitchen {
  /** The store's directory. Temporary things go to `<root>/tmp`. */
  root: string;
  blobs: Blobs;
  layers: Layers;
  catalog: Catalog;
  cache: StepCache;
  nodes: SpecialNodes;
  clock: Clock;
  privileged: boolean;
  /** Undefined: RUN is refused. */
  runner: BuildRunner | undefined;
  /** Makes an image that wherry can make itself (`wherry.local/...`); false for all others. */
  makeBase: (reference: string, note: (text: string) => void) => Promise<boolean>;
}
