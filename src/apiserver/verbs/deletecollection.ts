import { isReason } from "../../machinery/index.ts";
import type { Call } from "../core.ts";
import type { Answer } from "../response.ts";
import { deleteObject, warnOfOrphans } from "./delete.ts";
import { readDeleteOptions } from "./delete-options.ts";
import { readPage } from "./list.ts";
import { readListOptions } from "./list-options.ts";
import { encoded, withWarnings } from "./output.ts";

/** Deletes what a list would show, one by one, and answers with what it met. */
export async function deleteCollection(call: Call): Promise<Answer> {
  const { resource } = call;
  const options = readDeleteOptions(call);
  warnOfOrphans(call, options);
  const page = await readPage(call, readListOptions(call));
  const items: object[] = [];
  for (const { namespace, name } of page.entries) {
    try {
      const { entry } = await deleteObject(call, namespace, name, options);
      const { kind, apiVersion, ...item } = resource.copy(entry);
      // Items of typed lists leave out what they are.
      items.push(resource.def.type ? { kind, apiVersion, ...item } : item);
    } catch (error) {
      // Somebody else has deleted it meanwhile.
      if (!isReason(error, "NotFound")) throw error;
    }
  }
  const list = {
    kind: resource.def.listKind,
    apiVersion: resource.apiVersion,
    metadata: {
      resourceVersion: String(page.revision),
      ...(page.continue || call.resource.def.type ? { continue: page.continue } : {}),
    },
    items,
  };
  return withWarnings(call, encoded(200, list, { ...call.target, as: "object" }));
}
