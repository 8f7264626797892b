/** Reads the configuration of plugins; like kube-apiserver, ignores unknown fields. */
import { isObject } from "../../../machinery/index.ts";
import { expectKind } from "./admission-configuration.ts";

type Document = Readonly<Record<string, unknown>>;

/** A `Configuration` of this version; undefined when there is none. Throws an Error for another kind. */
export function readConfiguration(value: unknown, apiVersion: string): Document | undefined {
  if (value === undefined) return undefined;
  const document = isObject(value) ? (value as Record<string, unknown>) : {};
  expectKind(document, [apiVersion], "Configuration");
  return document;
}

/** A list of objects in it; empty when absent. Throws an Error for anything else. */
export function objectsOf(document: Document, name: string): Document[] {
  const list = document[name] ?? [];
  if (!Array.isArray(list)) throw new Error(`${name}: a list is wanted`);
  return list.map((each: unknown, i) => {
    if (!isObject(each)) throw new Error(`${name}[${i}]: an object is wanted`);
    return each as Document;
  });
}
