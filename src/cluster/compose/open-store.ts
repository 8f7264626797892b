import type { Clock, Logger } from "../../machinery/index.ts";
import { openMemoryStore, type Store } from "../../store/index.ts";

/** The embedded store. */
export async function openStore(_dir: string, clock: Clock, _log: Logger): Promise<Store> {
  return openMemoryStore({ clock } as never);
}
