/** OpenAPI documents, made when somebody first asks: nobody pays for them at start. */
import { createHash } from "node:crypto";
import { type KindDefinition, openApiV2, openApiV3 } from "../../api/index.ts";
import { parseAccept } from "../codec/negotiate.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import type { Registry } from "../registry/registry.ts";
import { type Answer, bytesAnswer, jsonAnswer } from "../response.ts";
import { versionInfo } from "../version.ts";
import { groupsOf } from "./groups.ts";
import type { OtherServers } from "./merged.ts";

interface Kept {
  generation: string;
  bytes: Promise<Buffer>;
}

const kept = new WeakMap<Registry, Map<string, Kept>>();

export async function openApiAnswer(
  registry: Registry,
  path: string,
  request: HandlerRequest,
  info: RequestInfo,
  others: OtherServers,
): Promise<Answer | undefined> {
  if (path === "/openapi/v2") {
    if (!acceptsJson(request.headers?.accept)) {
      return { status: 406, headers: {}, body: new Uint8Array(0) };
    }
    const theirs = await (await others.openApi())?.openApiV2();
    const make = async (): Promise<object> => {
      const own = await openApiV2(allKinds(registry));
      return theirs ? theirs.merge(own) : own;
    };
    return document(registry, request, path, make, theirs?.version);
  }
  if (path === "/openapi/v3") {
    const own = Object.fromEntries(groupPaths(registry));
    const theirs = await others.openApi();
    return jsonAnswer(200, { paths: theirs ? await theirs.openApiPaths(own) : own });
  }
  const group = /^\/openapi\/v3\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))$/.exec(path);
  if (!group) return undefined;
  const [, core, name = "", version = core as string] = group;
  if (!groupsOf(registry).get(name)?.has(version)) return undefined;
  const answer = await document(registry, request, path, () => openApiV3(name, version, allKinds(registry)));
  if (info.query.has("hash")) answer.headers["cache-control"] = "public, immutable";
  return answer;
}

const allKinds = (registry: Registry): KindDefinition[] => [...registry.all()].map(({ def }) => def);

/** `api/v1` and the like, each with an URL that changes when the document does. */
function* groupPaths(registry: Registry): Generator<[string, { serverRelativeURL: string }]> {
  for (const [group, versions] of groupsOf(registry)) {
    for (const [version, resources] of versions) {
      const path = group === "" ? `api/${version}` : `apis/${group}/${version}`;
      const hash = createHash("sha256")
        .update(versionInfo.gitVersion)
        .update(
          resources.map(({ def }) => `${def.plural}:${def.schema ?? JSON.stringify(def.openApi)}`).join(),
        )
        .digest("hex")
        .toUpperCase();
      yield [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
    }
  }
}

async function document(
  registry: Registry,
  request: HandlerRequest,
  path: string,
  make: () => Promise<object>,
  version = "",
): Promise<Answer> {
  const documents = kept.get(registry) ?? new Map<string, Kept>();
  kept.set(registry, documents);
  const generation = `${registry.generation} ${version}`;
  let known = documents.get(path);
  if (!known || known.generation !== generation) {
    known = {
      generation,
      bytes: make().then((made) => Buffer.from(JSON.stringify(made))),
    };
    documents.set(path, known);
    known.bytes.catch(() => documents.delete(path));
  }
  const bytes = await known.bytes;
  const etag = `"${createHash("sha256").update(bytes).digest("hex").toUpperCase()}"`;
  const fresh = request.headers?.["if-none-match"] === etag;
  const answer = bytesAnswer(fresh ? 304 : 200, fresh ? new Uint8Array(0) : bytes);
  answer.headers.etag = etag;
  answer.headers.vary = "Accept-Encoding, Accept";
  return answer;
}

function acceptsJson(accept: string | undefined): boolean {
  if (!accept) return true;
  return parseAccept(accept).some(({ type }) => ["application/json", "*/*", "application/*"].includes(type));
}
