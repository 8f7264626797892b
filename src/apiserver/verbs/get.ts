import { StatusError } from "../../machinery/index.ts";
import type { Call, Core } from "../core.ts";
import { badRequest, notFound } from "../errors.ts";
import { checkNameSegment } from "../name-segment.ts";
import { isTrue } from "../request-info.ts";
import { reading } from "../tracing/store-spans.ts";
import type { Answer } from "../response.ts";
import { tooLargeVersion, versionProblem } from "./list-options.ts";
import { objectAnswer } from "./output.ts";

/** Throws the errors of a read that precede the lookup. Returns a promise when it has to wait for a version. */
export function checkReading({ resource, info, core }: Call): Promise<void> | undefined {
  const { query } = info;
  const exported = query.get("export");
  if (exported !== null && isTrue(exported))
    throw badRequest("the export parameter, deprecated since v1.14, is no longer supported");
  checkNameSegment(info.name);
  const version = query.get("resourceVersion");
  if (!version || version === "0") return undefined;
  const wrong = versionProblem(version);
  // Kubernetes reads events from its store and everything else from its cache, which has another error.
  if (wrong !== undefined && resource.def.ttlSeconds !== undefined)
    throw badRequest(`invalid resource version: ${wrong}`);
  if (wrong !== undefined) throw new StatusError("", wrong, { code: 500 });
  return reach(core, Number(version));
}

async function reach(core: Core, revision: number): Promise<void> {
  const reached = core.caches.readiness.error || (await core.caches.reaches(revision, 3000));
  if (!reached) throw tooLargeVersion(revision, core.caches.revision);
}

export async function get(call: Call): Promise<Answer> {
  const { resource, info, core } = call;
  const waiting = checkReading(call);
  if (waiting) await waiting;
  const key = resource.key(info.namespace, info.name);
  const { span } = call.request;
  const read = () =>
    core.caches.readiness.error ? core.caches.stored(resource.storeKey(key)) : resource.cache.get(key);
  const entry = span
    ? await reading(
        call.request,
        { resource, key, version: info.query.get("resourceVersion") ?? "" },
        async () => read(),
      )
    : await read();
  if (!entry) throw notFound(resource.def, info.name);
  return objectAnswer(call, 200, resource.view ? await resource.view.of(entry) : entry);
}
