import { join } from "node:path";
import type { Clock } from "../../machinery/index.ts";
import { openSqliteStore, type Store, StoreFailedError } from "../../store/index.ts";
import { ClusterError } from "../cluster-error.ts";

/** The embedded store of the cluster. A damaged or newer one is refused with a sentence. */
export async function openStore(dataDir: string, clock: Clock): Promise<Store> {
  const path = join(dataDir, "store", "store.db");
  try {
    return await openSqliteStore({ path, clock });
  } catch (cause) {
    if (!(cause instanceof StoreFailedError)) throw cause;
    throw new ClusterError(cause.message, { cause });
  }
}
