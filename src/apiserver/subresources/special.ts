import type { KubeObject } from "../../api/index.ts";
import { admitConnection } from "../admission/connect.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { HandlerRequest, RequestInfo, SpecialHandler } from "../contract.ts";
import type { Core } from "../core.ts";
import { checkNameSegment } from "../name-segment.ts";
import { readSpecial } from "../verbs/input.ts";
import { optionsOf } from "../ready-body.ts";
import { admitSubresource } from "./admit.ts";

/** Admits a connection, or an object that is not stored (a review), and calls its handler. */
export async function serveSpecial(
  core: Core,
  special: SpecialHandler,
  given: { request: HandlerRequest; info: RequestInfo; user: UserInfo; warnings: string[] },
): ReturnType<SpecialHandler["handle"]> {
  const { request, info, user, warnings } = given;
  const objects = core.caches;
  const read = (): KubeObject => readSpecial(core.registry, special, request, info, warnings);
  const warn = (text: string): void => void warnings.push(text);
  const connection = await admitConnection(core, request, info, user, warnings);
  if (connection || info.verb === "get") checkNameSegment(info.name);
  if (connection) return special.handle({ info: connection, user, request, objects, object: read, warn });
  const resource = core.registry.find(info.apiGroup, info.apiVersion, info.resource);
  if (!resource || info.verb !== "create" || special.anyMethod)
    return special.handle({ info, user, request, objects, object: read, warn });
  const dryRun = optionsOf(request, info, false);
  const object = read();
  special.defaults?.(object);
  const context = { info, user, request, objects };
  const call = { core, request, info, user, resource, dryRun, warnings };
  await admitSubresource(call, object, special, (each) => special.check?.(each, context));
  return special.handle({ ...context, object: () => object, warn });
}
