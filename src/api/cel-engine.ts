/** The CEL engine, loaded with the first expressions. */
import { type Cel, loadCel } from "../machinery/index.ts";

let engine: Cel | undefined;

/** undefined until `celReady` has resolved. */
export const celEngine = (): Cel | undefined => engine;

/** undefined when the engine is loaded. */
export function celReady(): Promise<void> | undefined {
  if (engine) return undefined;
  return loadCel().then((loaded) => {
    engine = loaded;
  });
}
