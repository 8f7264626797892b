import type * as Engine from "./engine.ts";

/** The CEL engine. */
export type Cel = typeof Engine;

let loading: Promise<Cel> | undefined;

/** Loads the engine once; clusters without expressions do not need it. */
export function loadCel(): Promise<Cel> {
  loading ??= import("./engine.ts");
  return loading;
}
