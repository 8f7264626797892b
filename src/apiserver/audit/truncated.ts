import { type AuditBackend, Entry, type Loss } from "./event.ts";
import type { TruncateOptions } from "./options.ts";
import { levels } from "./policy.ts";

const requestLevel = levels.indexOf("Request");

/** Truncates events for a backend: drops objects or whole events, and splits batches. */
export function truncated(
  backend: AuditBackend,
  { maxEventBytes, maxBatchBytes }: TruncateOptions,
  lost: Loss,
): AuditBackend {
  return {
    process(entries) {
      const batches: Entry[][] = [];
      let bytes = 0;
      for (const given of entries) {
        let entry = given;
        let size = sizeOf(entry);
        if (size > maxEventBytes && levels.indexOf(entry.event.level) >= requestLevel) {
          entry = withoutObjects(entry);
          size = sizeOf(entry);
        }
        if (size > maxEventBytes) {
          lost("truncate", 1, new Error("event is too large even after truncating"));
          continue;
        }
        const batch = batches.at(-1);
        if (batch && bytes + size <= maxBatchBytes) {
          batch.push(entry);
          bytes += size;
        } else {
          batches.push([entry]);
          bytes = size;
        }
      }
      return inTurn(backend, batches);
    },
    close: () => backend.close(),
  };
}

/** Includes the line feed, as in Kubernetes. */
const sizeOf = ({ json }: Entry): number => Buffer.byteLength(json) + 1;

function withoutObjects({ event }: Entry): Entry {
  const { requestObject: _request, responseObject: _response, ...rest } = event;
  return new Entry({ ...rest, annotations: { ...event.annotations, "audit.k8s.io/truncated": "true" } });
}

function inTurn(backend: AuditBackend, batches: readonly Entry[][]): boolean | Promise<boolean> {
  let taken = true;
  for (const [i, batch] of batches.entries()) {
    const outcome = backend.process(batch);
    if (typeof outcome === "boolean") taken &&= outcome;
    else
      return outcome.then(async (first) => (await inTurn(backend, batches.slice(i + 1))) && first && taken);
  }
  return taken;
}
