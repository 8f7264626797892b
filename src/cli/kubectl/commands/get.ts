import type { KubeObject } from "../../../api/index.ts";
import { humanDuration, isReason } from "../../../machinery/index.ts";
import { type Flags, UsageError } from "../../flags.ts";
import { type Command, type Context, filenameFlags, outputFlags, selectorFlags } from "../command.ts";
import { pathOf, resourceName } from "../mapper.ts";
import { lines } from "../session.ts";
import { errorText } from "../error-text.ts";
import { alignColumns } from "../print/columns.ts";
import { type ObjectPrinter, objectPrinter } from "../print/object.ts";
import { type Table, tableAccept, tableRows, tableText } from "../print/table.ts";
import { apiVersionOf, selectors, type Target, targetsOf } from "../targets.ts";
import { sortTable, sortObjects } from "../print/sort.ts";

export const command: Command = {
  summary: "Shows one or many objects.",
  usage: "get (TYPE[,TYPE...] [NAME...] | TYPE/NAME... | -f FILE) [flags]",
  flags: [
    ...filenameFlags,
    ...selectorFlags,
    ...outputFlags,
    { long: "watch", short: "w", type: "boolean", help: "go on with every change" },
    { long: "watch-only", type: "boolean", help: "only changes, not what is there" },
    { long: "output-watch-events", type: "boolean", help: "show the kind of each change" },
    { long: "no-headers", type: "boolean", help: "no header line" },
    { long: "show-labels", type: "boolean", help: "a last column with all labels" },
    { long: "show-kind", type: "boolean", help: "names with their type" },
    { long: "label-columns", short: "L", type: "list", help: "labels to show as columns" },
    { long: "sort-by", type: "string", help: "JSONPath of the field to sort by" },
    { long: "ignore-not-found", type: "boolean", help: "nothing there is no error" },
    { long: "chunk-size", type: "int", help: "objects per request, default 500" },
    { long: "raw", type: "string", help: "a path of the API, printed as it is" },
    { long: "subresource", type: "string", help: "status, scale or another subresource" },
    { long: "server-print", type: "boolean", help: "accepted for compatibility" },
  ],
  async run(context, { flags, args }) {
    const { session, io } = context;
    const raw = flags.text("raw");
    if (raw !== undefined) {
      // Not every response is JSON: metrics and health checks, for example.
      const accept = "application/json, */*";
      const response = await session.open("GET", raw, { accept, signal: context.signal });
      for await (const chunk of response.body) io.out(Buffer.from(chunk).toString("utf8"));
      return 0;
    }
    const targets = await targetsOf(context.mapper, session, args, flags);
    if (targets.length === 0) {
      throw new UsageError(
        'Required resource not specified.\nUse "wherry kubectl api-resources" for a complete list of supported resources.',
      );
    }
    if (flags.has("subresource") && targets.some((target) => target.name === undefined)) {
      throw new UsageError("subresource cannot be used when bulk resources are specified");
    }
    const printer = objectPrinter(flags.text("output") ?? "", {
      managedFields: flags.on("show-managed-fields"),
      headers: !flags.on("no-headers"),
    });
    if (flags.on("watch") || flags.on("watch-only")) return watch(context, targets, flags, printer);
    return printer ? printObjects(context, targets, flags, printer) : printTables(context, targets, flags);
  },
};

/** Fetches every target, keeps what was found, and reports the failures at the end, as kubectl does. */
async function fetchAll<T>(
  context: Context,
  targets: readonly Target[],
  flags: Flags,
  fetch: (target: Target) => Promise<T>,
): Promise<{ found: { target: Target; value: T }[]; failed: boolean }> {
  const answers = await Promise.allSettled(targets.map(fetch));
  const found: { target: Target; value: T }[] = [];
  let failed = false;
  answers.forEach((answer, at) => {
    const target = targets[at];
    if (!target) return;
    if (answer.status === "fulfilled") found.push({ target, value: answer.value });
    else if (!(flags.on("ignore-not-found") && isReason(answer.reason, "NotFound"))) {
      failed = true;
      context.io.err(`${errorText(answer.reason)}\n`);
    }
  });
  return { found, failed };
}

async function printObjects(
  context: Context,
  targets: readonly Target[],
  flags: Flags,
  printer: ObjectPrinter,
): Promise<number> {
  const { session, io } = context;
  const { found, failed } = await fetchAll(context, targets, flags, async (target) => {
    const { resource, namespace, name } = target;
    if (name !== undefined) {
      return [await session.get<KubeObject>(pathOf(resource, namespace, name, flags.text("subresource")))];
    }
    const list = await session.get<{ items: KubeObject[] }>(pathOf(resource, namespace), selectors(flags));
    return list.items.map((item) => ({ apiVersion: apiVersionOf(resource), kind: resource.kind, ...item }));
  });
  const single = targets.length === 1 && targets[0]?.name !== undefined;
  const format = flags.text("output") ?? "";
  if (format === "name") {
    for (const { target, value } of found)
      for (const item of value) io.out(await printer(item, target.resource));
    return failed ? 1 : 0;
  }
  const items = sortObjects(
    found.flatMap(({ value }) => value),
    flags.text("sort-by"),
  );
  if (single) {
    if (items[0]) io.out(await printer(items[0], targets[0]?.resource));
  } else if (items.length > 0 || !failed) {
    io.out(
      await printer({ apiVersion: "v1", kind: "List", metadata: { resourceVersion: "" }, items }, undefined),
    );
  }
  return failed ? 1 : 0;
}

async function fetchTable(context: Context, target: Target, flags: Flags): Promise<Table> {
  const { resource, namespace, name } = target;
  const path = pathOf(resource, namespace, name, flags.text("subresource"));
  const sortBy = flags.text("sort-by");
  const query = {
    ...(name === undefined ? { ...selectors(flags), limit: flags.int("chunk-size") ?? 500 } : {}),
    // Rows carry only the object's metadata unless more is requested.
    ...(sortBy && !/^\{?\.?metadata\./.test(sortBy) ? { includeObject: "Object" } : {}),
  };
  const answer = await context.session.get<Table | KubeObject>(path, query, tableAccept);
  const table = "columnDefinitions" in answer ? answer : plainTable(answer);
  let more = table.metadata?.continue;
  while (more) {
    const next = await context.session.get<Table>(path, { ...query, continue: more }, tableAccept);
    table.rows.push(...next.rows);
    more = next.metadata?.continue;
  }
  return table;
}

/** Name and age, for objects without a server-side table. */
function plainTable(object: KubeObject): Table {
  const columns = ["Name", "Age"].map((name) => ({ name, priority: 0 }));
  const { name = "", creationTimestamp } = object.metadata ?? {};
  const age = creationTimestamp ? humanDuration(Date.now() - Date.parse(creationTimestamp)) : "<unknown>";
  return { columnDefinitions: columns, rows: [{ cells: [name, age], object }] };
}

async function printTables(context: Context, targets: readonly Target[], flags: Flags): Promise<number> {
  const { io } = context;
  const { found, failed } = await fetchAll(context, targets, flags, (target) =>
    fetchTable(context, target, flags),
  );
  const kinds = new Set(found.map(({ target }) => resourceName(target.resource)));
  let printed = 0;
  for (const group of groupByResource(found)) {
    const first = group[0];
    if (!first) continue;
    const table: Table = { ...first.value, rows: group.flatMap(({ value }) => value.rows) };
    if (table.rows.length === 0) continue;
    if (printed++ > 0) io.out("\n");
    io.out(
      tableText(sortTable(table, flags.text("sort-by")), tableOptions(flags, first.target, kinds.size > 1)),
    );
  }
  if (printed === 0 && !failed && !flags.on("ignore-not-found")) {
    const scope = targets.some((t) => t.namespace !== undefined)
      ? ` in ${context.session.namespace} namespace`
      : "";
    io.err(`No resources found${scope}${scope ? "." : ""}\n`);
  }
  return failed ? 1 : 0;
}

/** Consecutive objects of one kind share a table. */
function groupByResource(found: { target: Target; value: Table }[]): { target: Target; value: Table }[][] {
  const groups: { target: Target; value: Table }[][] = [];
  for (const entry of found) {
    const last = groups.at(-1);
    if (last?.[0]?.target.resource === entry.target.resource) last.push(entry);
    else groups.push([entry]);
  }
  return groups;
}

function tableOptions(flags: Flags, target: Target, several: boolean): Parameters<typeof tableText>[1] {
  return {
    wide: flags.text("output") === "wide",
    headers: !flags.on("no-headers"),
    showLabels: flags.on("show-labels"),
    labelColumns: flags.list("label-columns").flatMap((text) => text.split(",")),
    showNamespace: target.resource.namespaced && flags.on("all-namespaces"),
    prefix: several || flags.on("show-kind") ? target.resource : undefined,
  };
}

async function watch(
  context: Context,
  targets: readonly Target[],
  flags: Flags,
  printer: ObjectPrinter | undefined,
): Promise<number> {
  const [target] = targets;
  if (!target || targets.length > 1)
    throw new UsageError("watch is only supported on individual resources and resource collections");
  const { session, io, signal } = context;
  const path = pathOf(target.resource, target.namespace);
  const own = target.name === undefined ? {} : { fieldSelector: `metadata.name=${target.name}` };
  const query = { ...selectors(flags), ...own };
  const accept = printer ? "application/json" : tableAccept;
  const list = await session.get<Table & { items?: KubeObject[]; metadata: { resourceVersion: string } }>(
    path,
    query,
    accept,
  );
  let headers = !flags.on("no-headers");
  let widths: number[] = [];
  const show = async (type: string, object: Table | KubeObject): Promise<void> => {
    const prefix = flags.on("output-watch-events") ? type : undefined;
    if (printer) {
      io.out(await printer(prefix ? { type, object } : object, target.resource));
      return;
    }
    const rows = tableRows(object as Table, { ...tableOptions(flags, target, false), headers });
    if (prefix) rows.forEach((row, at) => row.unshift(at === 0 && headers ? "EVENT" : prefix));
    // Later rows use the columns of the first ones if they match.
    for (const row of rows) widths = row.map((cell, at) => Math.max(widths[at] ?? 0, cell.length));
    io.out(
      alignColumns([widths.map((width) => "x".repeat(width)), ...rows])
        .split("\n")
        .slice(1)
        .join("\n"),
    );
    headers = false;
  };
  if (!flags.on("watch-only")) {
    if (printer)
      for (const item of list.items ?? [])
        await show("ADDED", {
          apiVersion: apiVersionOf(target.resource),
          kind: target.resource.kind,
          ...item,
        });
    else if (list.rows.length > 0) await show("ADDED", list);
  }
  let { resourceVersion } = list.metadata;
  while (!signal.aborted) {
    const response = await session.open("GET", path, {
      query: { ...query, watch: true, resourceVersion, allowWatchBookmarks: true },
      accept,
      signal,
    });
    for await (const line of lines(response.body)) {
      if (line === "") continue;
      const event = JSON.parse(line) as { type: string; object: Table & KubeObject };
      if (event.type === "ERROR") throw new Error(JSON.stringify(event.object));
      const meta = printer
        ? event.object.metadata
        : (event.object.rows?.[0]?.object?.metadata ?? event.object.metadata);
      const seen = (meta as { resourceVersion?: string } | undefined)?.resourceVersion;
      if (seen) resourceVersion = seen;
      if (event.type !== "BOOKMARK") await show(event.type, event.object);
    }
  }
  return 130;
}
