/** Applies the results of a MutatingAdmissionPolicy's expressions to an object. */
import { type KubeObject, schemaOf, shapeOfType, typeOfKind } from "../../../api/index.ts";
import {
  appliedSet,
  applyJsonPatch,
  atomicPaths,
  deducedShape,
  ForeignValue,
  isObject,
  type JsonPatchOperation,
  mergeConfiguration,
  PatchError,
  PatchTestFailed,
  type Shape,
  TypedError,
  UnkeyedItem,
} from "../../../machinery/index.ts";
import type { ServedResource } from "../../registry/resource.ts";
import { conformed, internal, isOwnKind } from "../change.ts";
import type { AdmissionRequest } from "../chain.ts";
import { engine } from "./expressions.ts";

/** Why a policy's change cannot be applied; failurePolicy decides what follows. */
export class PolicyProblem extends Error {}

/** The result of a patch. */
export interface Patched {
  readonly request: AdmissionRequest;
  readonly resource: ServedResource;
  /** In the version `resource`; read only. */
  readonly object: KubeObject;
}

export type Patcher = (value: unknown, patched: Patched) => KubeObject;

/** Runs code that reads an expression's result. */
function read<T>(action: () => T): T {
  const { CelEvaluationError } = engine();
  try {
    return action();
  } catch (error) {
    if (error instanceof CelEvaluationError) throw new PolicyProblem(error.message, { cause: error });
    throw error;
  }
}

/** `[JSONPatch{op: "add", path: "/x", value: 1}]` */
export const jsonPatcher: Patcher = (value, { request, resource, object }) => {
  const patch = read(() => operationsOf(value));
  let patched: unknown;
  try {
    patched = applyJsonPatch<unknown>(object, patch);
  } catch (error) {
    // A failed `test` operation leaves the object unchanged.
    if (error instanceof PatchTestFailed) return object;
    if (error instanceof PatchError)
      throw new PolicyProblem(`JSON Patch: ${error.message}`, { cause: error });
    throw error;
  }
  const next = patched as KubeObject;
  const { unknown, problem } = conformed(request, resource, next);
  if (problem) throw internal(problem);
  if (unknown.length > 0 && !resource.def.type) {
    const fields = unknown.map((field) => `unknown field ${JSON.stringify(field)}`);
    throw internal(`strict decoding error: ${fields.join(", ")}`);
  }
  return next;
};

function operationsOf(value: unknown): JsonPatchOperation[] {
  const { checkTypeNames, patchValueOfCel } = engine();
  return (value as ReadonlyMap<string, unknown>[]).map((each) => {
    const made = each.get("value");
    checkTypeNames(made);
    const text = (name: string): string => (each.get(name) as string | undefined) ?? "";
    return {
      op: text("op"),
      path: text("path"),
      ...(text("from") === "" ? {} : { from: text("from") }),
      ...(each.has("value") ? { value: patchValueOfCel(made) } : {}),
    };
  });
}

/** `Object{spec: Object.spec{...}}`, merged into the object by the rules of server-side apply. */
export const applyPatcher: Patcher = (value, { request, resource, object }) => {
  const { checkTypeNames, configurationOfCel } = engine();
  const made = read(() => {
    checkTypeNames(value);
    return configurationOfCel(value as Parameters<typeof configurationOfCel>[0]);
  });
  const { kind, apiVersion } = object;
  const patch = { ...made, kind, apiVersion } as unknown as KubeObject;
  const next = laidOver(shapeOf(object, resource, isOwnKind(request)), object, patch);
  const { problem } = conformed(request, resource, next);
  if (problem)
    throw new PolicyProblem(
      `unable to convert unstructured object to ${kindText(object)}: ${converterText(problem)}`,
    );
  return next;
};

/** `/v1, Kind=Pod`, `apps/v1, Kind=Deployment` */
const kindText = ({ apiVersion = "", kind }: KubeObject): string =>
  `${apiVersion.includes("/") ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;

/** Kubernetes converts here instead of decoding, with another message for numbers out of range. */
function converterText(problem: string): string {
  const number = /^json: cannot unmarshal number \S+ into Go struct field \S+ of type (\w+)$/.exec(problem);
  return number ? `cannot convert float64 to ${number[1]}` : problem;
}

/** How list items are merged: by the schema that is published for the kind. */
function shapeOf(object: KubeObject, { def }: ServedResource, whole: boolean): Shape {
  if (whole) {
    const type = typeOfKind(def);
    return type ? shapeOfType(type) : deducedShape;
  }
  const type = object.apiVersion === "v1" ? schemaOf(`io.k8s.api.core.v1.${object.kind}`) : undefined;
  if (type && object.kind === "Binding") return shapeOfType(type);
  throw new PolicyProblem(
    `error applying patch: failed to convert patch object to typed object: no corresponding type for ${kindText(object)}`,
  );
}

/** Replaces typed values by their JSON where no type is expected. */
function withoutForeign(value: unknown): unknown {
  if (value instanceof ForeignValue) return value.json;
  if (Array.isArray(value)) return value.map(withoutForeign);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withoutForeign(each)]));
}

function laidOver(shape: Shape, object: KubeObject, patch: KubeObject): KubeObject {
  try {
    try {
      appliedSet(shape, patch);
    } catch (error) {
      if (!(error instanceof TypedError)) throw error;
      throw new PolicyProblem(
        `error applying patch: failed to convert patch object to typed object: ${error.message}`,
        { cause: error },
      );
    }
    const atomic = atomicPaths(shape, patch);
    if (atomic.length > 0)
      throw new PolicyProblem(
        `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(", ")}`,
      );
    return structuredClone(mergeConfiguration(shape, object, withoutForeign(patch))) as KubeObject;
  } catch (error) {
    if (!(error instanceof UnkeyedItem)) throw error;
    throw new PolicyProblem(`error applying patch: failed to merge patch: ${error.message}`, {
      cause: error,
    });
  }
}
