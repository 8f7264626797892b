import { StatusError } from "../../machinery/index.ts";
import type { Call } from "../core.ts";
import { badRequest, notFound } from "../errors.ts";
import { isTrue } from "../request-info.ts";
import { reading } from "../tracing/store-spans.ts";
import type { Answer } from "../response.ts";
import { tooLargeVersion, versionProblem } from "./list-options.ts";
import { objectAnswer } from "./output.ts";

export async function get(call: Call): Promise<Answer> {
  const { resource, info, core } = call;
  const exported = info.query.get("export");
  if (exported !== null && isTrue(exported))
    throw badRequest("the export parameter, deprecated since v1.14, is no longer supported");
  const version = info.query.get("resourceVersion");
  if (version && version !== "0") {
    const wrong = versionProblem(version);
    // The original reads events from its store, and everything else from its cache, which has fewer words.
    if (wrong !== undefined && resource.def.ttlSeconds !== undefined)
      throw badRequest(`invalid resource version: ${wrong}`);
    if (wrong !== undefined) throw new StatusError("", wrong, { code: 500 });
    const revision = Number(version);
    const reached = core.caches.readiness.error || (await core.caches.reaches(revision, 3000));
    if (!reached) throw tooLargeVersion(revision, core.caches.revision);
  }
  const key = resource.key(info.namespace, info.name);
  const { span } = call.request;
  const read = () =>
    core.caches.readiness.error ? core.caches.stored(resource.storeKey(key)) : resource.cache.get(key);
  const entry = span
    ? await reading(call.request, { resource, key, version: version ?? "" }, async () => read())
    : await read();
  if (!entry) throw notFound(resource.def, info.name);
  return objectAnswer(call, 200, resource.view ? await resource.view.of(entry) : entry);
}
