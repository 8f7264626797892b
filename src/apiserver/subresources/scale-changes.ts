/** Changes of a Scale: replace and apply (patches: `scale-patch.ts`). */
import { conform, fillWritten, type KubeObject, type ObjectMeta, schemaOf } from "../../api/index.ts";
import {
  ApplyConflicts,
  afterUpdate,
  applyConfiguration,
  deepEqual,
  type Managers,
  StatusError,
  TypedError,
  UnkeyedItem,
} from "../../machinery/index.ts";
import { readBody } from "../codec/decode.ts";
import { type Call, nowTime } from "../core.ts";
import { badRequest } from "../errors.ts";
import { conflictError } from "../managed-fields/conflicts.ts";
import { nobody } from "../managed-fields/entries.ts";
import { managerName } from "../managed-fields/ownership.ts";
import { scaleView } from "../managed-fields/scale-owners.ts";
import { checkRepeated, isForced, readConfiguration } from "../verbs/apply.ts";
import { judged, otherVersion } from "../verbs/input.ts";
import { checkWhereabouts } from "../verbs/whereabouts.ts";
import { type Scale, scaleKind, scaleSchema, scaleVersion } from "./scale-object.ts";

export interface OwnedScale {
  scale: Scale;
  owners: Managers;
}

/** Computes the new Scale and its owners from the current one. Throws StatusError. May be called again. */
export type ScaleChange = (seen: OwnedScale) => OwnedScale;

const writer = (call: Call, operation: "Apply" | "Update", manager = managerName(call)) => ({
  manager,
  operation,
  apiVersion: scaleVersion,
  subresource: "scale",
});

/** Owners after the change. An object without owners gets none until someone applies. */
export function tracked(call: Call, { scale, owners }: OwnedScale, after: Scale): Managers {
  if (owners.size === 0) return nobody;
  const { managedFields: _, ...metadata } = after.metadata ?? {};
  const now = nowTime(call.core.clock);
  return afterUpdate(scaleView(), scale, { ...after, metadata }, owners, writer(call, "Update"), now);
}

/** Kubernetes' handler of custom resources does not know the kind Scale and names it in every error. */
const unknownHere = 'no kind is registered for the type v1.Scale in scheme "pkg/runtime/scheme.go:111"';

export function updateOfScale(call: Call): ScaleChange {
  const { request, info, warnings, resource, core } = call;
  const scale = readScale();
  checkWhereabouts(call, scale);
  return (seen) => {
    const after = structuredClone(scale);
    return { scale: after, owners: tracked(call, seen, after) };
  };

  function readScale(): Scale {
    try {
      const { object, decoded } = readBody(request.body, request.headers?.["content-type"], {
        ...scaleKind,
        schema: scaleSchema,
        former: true,
        known: (apiVersion, kind) => core.registry.knows(apiVersion, kind),
      });
      if (object.apiVersion !== scaleVersion)
        throw otherVersion(
          object,
          scaleVersion,
          { kind: scaleKind.kind, schema: scaleSchema },
          info,
          decoded,
          warnings,
        );
      const problem = judged(conform(scaleSchema, object), info, decoded, warnings);
      if (problem) throw badRequest(`Scale in version "v1" cannot be handled as a Scale: ${problem}`);
      request.audit?.requested(object, () => {
        const copy = structuredClone(object);
        const type = schemaOf(scaleSchema);
        if (type) fillWritten(type, copy as Record<string, unknown>);
        return copy;
      });
      return object as Scale;
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== "BadRequest" || !resource.def.type) throw error;
      throw badRequest(unknownHere, error);
    }
  }
}

/** Server-side apply (KEP-555) of a Scale. */
export function applyToScale(call: Call): ScaleChange {
  const given = readConfiguration(call);
  const { config } = given;
  const { info, core, resource } = call;
  return ({ scale, owners }) => {
    checkType(config);
    const custom = resource.def.type !== undefined;
    if (custom && owners.size === 0) {
      const what = `live object (/; ${scaleVersion}, Kind=Scale)`;
      throw unconvertible(`failed to create manager for existing fields: failed to convert ${what}`);
    }
    if ((config.metadata?.managedFields?.length ?? 0) > 0)
      throw badRequest("metadata.managedFields must be nil");
    const now = nowTime(core.clock);
    const view = scaleView();
    const before =
      owners.size > 0
        ? owners
        : afterUpdate(view, {}, scale, nobody, writer(call, "Update", "before-first-apply"), now);
    const force = isForced(info.query.get("force"));
    try {
      const result = applyConfiguration(view, scale, config, before, writer(call, "Apply"), force, now);
      checkRepeated(call, given);
      const after = structuredClone(result.object) as Scale;
      conform(scaleSchema, after);
      if (custom && !deepEqual(after, scale)) {
        const { namespace = "", name = "" } = after.metadata ?? {};
        const what = `new object (${namespace}/${name}; ${scaleVersion}, Kind=Scale)`;
        throw unconvertible(`failed to convert ${what}`);
      }
      return { scale: after, owners: result.managers };
    } catch (error) {
      if (error instanceof ApplyConflicts) throw conflictError(error);
      if (!(error instanceof TypedError) && !(error instanceof UnkeyedItem)) throw error;
      const { namespace = "", name = "" } = (config.metadata ?? {}) as ObjectMeta;
      const text = `failed to create typed patch object (${namespace}/${name}; ${scaleVersion}, Kind=Scale): ${error.message}`;
      throw new StatusError("", text, { code: 500, cause: error });
    }
  };
}

function checkType({ apiVersion, kind }: KubeObject): void {
  if (apiVersion === scaleVersion && kind === scaleKind.kind) return;
  const given = typeof apiVersion === "string" ? apiVersion : "";
  const full = given.includes("/") ? given : `/${given}`;
  throw badRequest(`invalid object type: ${full}, Kind=${typeof kind === "string" ? kind : ""}`);
}

/** Kubernetes' converter of custom resources does not know the kind: only unchanged objects pass. */
function unconvertible(what: string): StatusError {
  const why = `request to convert CR to an invalid group/version: ${scaleVersion}`;
  return new StatusError("", `${what} to proper version: ${why}`, { code: 500 });
}
