/** OpenAPI of discovery, the version and token keys. */
import type { Operation } from "./model.ts";
import { encodings, groupName, groupTag } from "./operations.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const json = ["application/json"];

function page(
  path: string,
  tag: string,
  id: string,
  description: string,
  types: { result?: string; consumes?: readonly string[]; produces?: readonly string[] },
): Operation {
  const { result, consumes = encodings, produces = encodings } = types;
  return {
    path,
    method: "get",
    id,
    tag,
    description,
    parameters: [],
    consumes,
    produces,
    codes: [200],
    ...(result === undefined ? {} : { result }),
  };
}

const versions = "get available API versions";

/** Pages of every server, by their document's name in version 3. */
export const pages: Readonly<Record<string, Operation>> = {
  ".well-known/openid-configuration": page(
    "/.well-known/openid-configuration/",
    "WellKnown",
    "getServiceAccountIssuerOpenIDConfiguration",
    "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
    { consumes: [], produces: json },
  ),
  api: page("/api/", "core", "getCoreAPIVersions", versions, { result: `${meta}.APIVersions` }),
  apis: page("/apis/", "apis", "getAPIVersions", versions, { result: `${meta}.APIGroupList` }),
  "openid/v1/jwks": page(
    "/openid/v1/jwks/",
    "openid",
    "getServiceAccountIssuerOpenIDKeyset",
    "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)",
    { consumes: [], produces: ["application/jwk-set+json"] },
  ),
  version: page("/version/", "version", "getCodeVersion", "get the version information for this server", {
    consumes: json,
    produces: json,
    result: "io.k8s.apimachinery.pkg.version.Info",
  }),
};

/** `/apis/GROUP/` */
export const groupPage = (group: string): Operation =>
  page(
    `/apis/${group}/`,
    groupTag(group, ""),
    `get${groupName(group)}APIGroup`,
    "get information of a group",
    { result: `${meta}.APIGroup` },
  );

/** `/apis/GROUP/VERSION/`, `/api/v1/` */
export function resourcesPage(group: string, version: string): Operation {
  const name = `${groupName(group)}${version.charAt(0).toUpperCase()}${version.slice(1)}`;
  return page(
    group === "" ? `/api/${version}/` : `/apis/${group}/${version}/`,
    groupTag(group, version),
    `get${name}APIResources`,
    "get available resources",
    { result: `${meta}.APIResourceList` },
  );
}
