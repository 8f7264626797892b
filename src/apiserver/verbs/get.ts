import { StatusError } from "../../machinery/index.ts";
import type { Call } from "../core.ts";
import { notFound } from "../errors.ts";
import type { Answer } from "../response.ts";
import { tooLargeVersion, versionProblem } from "./list-options.ts";
import { objectAnswer } from "./output.ts";

export async function get(call: Call): Promise<Answer> {
  const { resource, info, core } = call;
  const version = info.query.get("resourceVersion");
  if (version && version !== "0") {
    const wrong = versionProblem(version);
    if (wrong !== undefined) throw new StatusError("", wrong, { code: 500 });
    const revision = Number(version);
    if (!(await core.caches.reaches(revision, 3000))) throw tooLargeVersion(revision, core.caches.revision);
  }
  const entry = resource.cache.get(resource.key(info.namespace, info.name));
  if (!entry) throw notFound(resource.def, info.name);
  return objectAnswer(call, 200, resource.view ? await resource.view.of(entry) : entry);
}
