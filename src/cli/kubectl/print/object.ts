import type { KubeObject } from "../../../api/index.ts";
import { compileJsonPath, findJsonPath, formatYaml } from "../../../machinery/index.ts";
import { readFileSync } from "node:fs";
import { alignColumns } from "./columns.ts";
import { UsageError } from "../../flags.ts";
import { objectName, type Resource } from "../mapper.ts";

/** Prints one object, or a v1 List of several, in the format of `-o`. */
export type ObjectPrinter = (object: unknown, resource: Resource | undefined) => Promise<string>;

/** The printer for `-o FORMAT`; undefined for the table forms ("" and wide). */
export function objectPrinter(
  format: string,
  options: { managedFields: boolean; headers?: boolean },
): ObjectPrinter | undefined {
  const equals = format.indexOf("=");
  const kind = equals < 0 ? format : format.slice(0, equals);
  const template = equals < 0 ? "" : format.slice(equals + 1);
  const shown = (object: unknown): unknown => (options.managedFields ? object : withoutManagedFields(object));
  switch (kind) {
    case "":
    case "wide":
      return undefined;
    case "json":
      return async (object) => `${JSON.stringify(sorted(shown(object)), null, 4)}\n`;
    case "yaml":
      return async (object) => formatYaml(shown(object));
    case "name":
      return async (object, resource) =>
        itemsOf(object)
          .map((item) => `${nameOf(item, resource)}\n`)
          .join("");
    case "jsonpath":
    case "jsonpath-file":
    case "jsonpath-as-json": {
      const text = kind === "jsonpath-file" ? readFileSync(template, "utf8") : template;
      if (text === "") throw new UsageError("template format specified but no template given");
      if (kind === "jsonpath-as-json") {
        return async (object) => `${JSON.stringify(findJsonPath(text, shown(object)), null, 4)}\n`;
      }
      const compiled = compileJsonPath(text);
      return async (object) => compiled(shown(object));
    }
    case "go-template":
    case "go-template-file":
    case "template": {
      const text = kind === "go-template-file" ? readFileSync(template, "utf8") : template;
      if (text === "") throw new UsageError("template format specified but no template given");
      const loading = import("./go-template.ts");
      return async (object) => (await loading).renderGoTemplate(text, shown(object));
    }
    case "custom-columns":
    case "custom-columns-file":
      return customColumns(
        kind === "custom-columns" ? template : columnsOfFile(template),
        options.headers ?? true,
      );
    default:
      throw new UsageError(
        `unable to match a printer suitable for the output format "${format}", allowed formats are: custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,wide,yaml`,
      );
  }
}

function itemsOf(object: unknown): KubeObject[] {
  const list = object as { kind?: string; items?: KubeObject[] };
  return Array.isArray(list.items) && list.kind?.endsWith("List") ? list.items : [object as KubeObject];
}

function nameOf(item: KubeObject, resource: Resource | undefined): string {
  const name = item.metadata?.name ?? "";
  if (resource) return objectName(resource, name);
  const group = item.apiVersion?.includes("/") ? `.${item.apiVersion.split("/")[0]}` : "";
  return `${(item.kind ?? "").toLowerCase()}${group}/${name}`;
}

function withoutManagedFields(object: unknown): unknown {
  const strip = (item: KubeObject): KubeObject => {
    if (!item?.metadata?.managedFields) return item;
    const { managedFields: _, ...metadata } = item.metadata;
    return { ...item, metadata };
  };
  const list = object as { items?: KubeObject[] };
  return Array.isArray(list.items) ? { ...list, items: list.items.map(strip) } : strip(object as KubeObject);
}

/** With sorted keys at every level, as kubectl prints them. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

function columnsOfFile(path: string): string {
  const [headers = "", paths = ""] = readFileSync(path, "utf8").split("\n");
  const names = headers.trim().split(/\s+/);
  const specs = paths.trim().split(/\s+/);
  return names.map((name, at) => `${name}:${specs[at] ?? ""}`).join(",");
}

function customColumns(text: string, headers: boolean): ObjectPrinter {
  const columns = text.split(",").map((column) => {
    const colon = column.indexOf(":");
    if (colon <= 0) {
      throw new UsageError(`unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`);
    }
    const path = column.slice(colon + 1).replace(/^\{|\}$/g, "");
    return {
      header: column.slice(0, colon),
      path: path.startsWith(".") || path.startsWith("$") ? path : `.${path}`,
    };
  });
  return async (object) => {
    const rows = itemsOf(object).map((item) =>
      columns.map(({ path }) => {
        const values = findJsonPath(`{${path}}`, item);
        const texts = values.map((v) => (v !== null && typeof v === "object" ? goText(v) : String(v)));
        return texts.length === 0 ? "<none>" : texts.join(",");
      }),
    );
    return alignColumns(headers ? [columns.map(({ header }) => header), ...rows] : rows);
  };
}

/** Maps and lists formatted as by Go: `map[a:1 b:2]`, `[x y]`. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (value !== null && typeof value === "object") {
    const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${pairs.map(([key, inner]) => `${key}:${goText(inner)}`).join(" ")}]`;
  }
  return String(value);
}
