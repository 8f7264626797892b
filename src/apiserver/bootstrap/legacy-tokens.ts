/** The ConfigMap in kube-system that records since when the use of legacy tokens is tracked (KEP-2799). */
import type { ConfigMap, KubeObject } from "../../api/index.ts";
import type { Core } from "../core.ts";
import { createObject } from "../verbs/create.ts";
import { updateObject } from "../verbs/update.ts";
import { quietly } from "./quietly.ts";
import { Repeated } from "./repeated.ts";
import { serverCall } from "./server-call.ts";

const namespace = "kube-system";
const name = "kube-apiserver-legacy-service-account-token-tracking";
const everyMs = 60_000;
/** A deleted ConfigMap is restored after this time, since other versions of the server may delete it. */
const againMs = 30 * 60_000;

/** `start` resolves when it exists, or the first attempt failed; it is maintained until it is stopped. */
export function keepTokenTracking(core: Core): Repeated {
  const { clock, log } = core;
  let made = -Infinity;
  const ensure = async (): Promise<void> => {
    const maps = core.registry.find("", "v1", "configmaps");
    if (!maps) return;
    const today = new Date(clock.now()).toISOString().slice(0, 10);
    const entry = maps.cache.get(maps.key(namespace, name));
    if (!entry) {
      if (clock.monotonic() - made < againMs) return;
      const object = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace },
        data: { since: today },
      };
      await quietly(() => createObject(serverCall(core, maps, namespace, ""), object as KubeObject));
      made = clock.monotonic();
    } else if (!isDate((entry.object as ConfigMap).data?.since)) {
      await quietly(() =>
        updateObject(serverCall(core, maps, namespace, name), (present) => {
          const map = present.copy() as ConfigMap;
          return { ...map, data: { ...map.data, since: today } } as KubeObject;
        }),
      );
    }
  };
  return new Repeated(clock, everyMs, ensure, (error) =>
    log.warn("what says since when tokens are noted could not be kept up", { error }),
  );
}

const isDate = (text: string | undefined): boolean =>
  text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
