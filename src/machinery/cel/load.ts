import type * as Engine from "./engine.ts";

/** The engine of CEL, all of it. */
export type Cel = typeof Engine;

let loading: Promise<Cel> | undefined;

/** Loads the engine once; a cluster without expressions never pays for it. */
export function loadCel(): Promise<Cel> {
  loading ??= import("./engine.ts");
  return loading;
}
