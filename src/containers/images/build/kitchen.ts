import type { Clock } from "../../../machinery/index.ts";
import type { Layers } from "../layer/layers.ts";
import type { SpecialNodes } from "../layer/special-nodes.ts";
import type { Blobs } from "../store/blobs.ts";
import type { Catalog } from "../store/catalog.ts";
import type { BuildRunner } from "./runner.ts";
import type { StepCache } from "./step-cache.ts";

/** The environment of a build; parts of the store. */
export interface Kitchen {
  /** The store's directory. Temporary files are in `<root>/tmp`. */
  root: string;
  blobs: Blobs;
  layers: Layers;
  catalog: Catalog;
  cache: StepCache;
  nodes: SpecialNodes;
  clock: Clock;
  privileged: boolean;
  /** Undefined: RUN is rejected. */
  runner: BuildRunner | undefined;
  /** Builds an image of wherry's own (`wherry.local/...`); false for others. */
  makeBase: (reference: string, note: (text: string) => void) => Promise<boolean>;
}
