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

/** How many objects are listed at a time. So a resource version is taken exactly, as in any list with a limit. */
const pageSize = 10_000;
/** How many objects are deleted, or looked at only (dry run), before others have their turn. */
const atOnce = 8;

/** Deletes what a list would show, one by one, and answers with that list: the objects as they were. */
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
        // Somebody else has deleted it meanwhile.
        if (!isReason(error, "NotFound")) throw error;
      }
    }
    if (page.continue === "" || asked.limit > 0) break;
    const next = { continue: page.continue, version: "", resourceVersion: undefined, match: "" as const };
    page = await readPage(call, { ...asked, ...next, limit: pageSize });
  }
  return withWarnings(call, await answerList(call, found, listMeta(call, first)));
}
