import { isReason } from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import type { Call } from "../core.ts";
import { othersFirst } from "../others-first.ts";
import type { Answer } from "../response.ts";
import { deleteObject, warnOfOrphans } from "./delete.ts";
import { readDeleteOptions } from "./delete-options.ts";
import { answerList, listMeta, type Page, readPage } from "./list.ts";
import { readListOptions } from "./list-options.ts";
import { withWarnings } from "./output.ts";

/** Objects per page; with a limit, a resourceVersion is matched exactly, as in any list. */
const pageSize = 10_000;
/** Objects that are deleted before other requests have their turn. */
const atOnce = 8;

/** Deletes the objects that a list selects, one by one, and answers with the list as it was before. */
export async function deleteCollection(call: Call): Promise<Answer> {
  const asked = readListOptions(call);
  const options = readDeleteOptions(call);
  warnOfOrphans(call, options);
  let page = await readPage(call, { ...asked, limit: asked.limit || pageSize });
  const first: Page = page;
  const found: Entry[] = [];
  for (;;) {
    for (const entry of page.entries) {
      found.push(entry);
      if (found.length % atOnce === 0) await othersFirst();
      try {
        await deleteObject(call, entry.namespace, entry.name, options);
      } catch (error) {
        // Already deleted by another request.
        if (!isReason(error, "NotFound")) throw error;
      }
    }
    if (page.continue === "" || asked.limit > 0) break;
    const next = { continue: page.continue, version: "", resourceVersion: undefined, match: "" as const };
    page = await readPage(call, { ...asked, ...next, limit: pageSize });
  }
  return withWarnings(call, await answerList(call, found, listMeta(call, first)));
}
