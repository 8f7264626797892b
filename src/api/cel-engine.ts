/** The engine of CEL, there from the first object with expressions on. */
import { type Cel, loadCel } from "../machinery/index.ts";

let engine: Cel | undefined;

/** undefined until `celReady` was awaited. */
export const celEngine = (): Cel | undefined => engine;

/** undefined when the engine is there. */
export function celReady(): Promise<void> | undefined {
  if (engine) return undefined;
  return loadCel().then((loaded) => {
    engine = loaded;
  });
}
