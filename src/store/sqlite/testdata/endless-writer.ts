/** Writes for ever, 20 at a time, and prints `KEY REVISION` for each acknowledged write. Killed by its test. */
import { systemClock } from "../../../machinery/index.ts";
import { openSqliteStore } from "../open.ts";

const store = await openSqliteStore({ path: process.argv[2] as string, clock: systemClock });
for (let round = 0; ; round++) {
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const key = `/k/${round}-${i}`;
      const value = Buffer.alloc(500, i);
      const { revision } = await store.txn({
        when: [{ key, modRevision: 0 }],
        then: [{ type: "put", key, value }],
      });
      process.stdout.write(`${key} ${revision}\n`);
    }),
  );
}
