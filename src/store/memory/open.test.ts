import { FakeClock } from "../../testing/index.ts";
import { storeContract } from "../contract-suite.ts";
import { openMemoryStore } from "./open.ts";

storeContract("memory", async () => {
  const clock = new FakeClock();
  const store = await openMemoryStore({ clock });
  return { store, advance: (ms) => clock.advance(ms), dispose: () => store.close() };
});
