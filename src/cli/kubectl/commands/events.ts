import type { CoreV1Event } from "../../../api/index.ts";
import { humanDuration } from "../../../machinery/index.ts";
import { type Command, outputFlags, selectorFlags } from "../command.ts";
import { pathOf } from "../mapper.ts";
import { alignColumns } from "../print/columns.ts";
import { objectPrinter } from "../print/object.ts";
import { lines } from "../session.ts";

export const command: Command = {
  summary: "Lists events, newest last.",
  usage: "events [--for TYPE/NAME] [-w] [flags]",
  flags: [
    ...selectorFlags,
    ...outputFlags,
    { long: "for", type: "string", help: "only about this object" },
    { long: "types", type: "list", help: "Normal, Warning" },
    { long: "watch", short: "w", type: "boolean", help: "go on with new ones" },
    { long: "no-headers", type: "boolean", help: "no header line" },
  ],
  async run(context, { flags }) {
    const { session, io, mapper } = context;
    const all = flags.on("all-namespaces");
    const resource = await mapper.require("events");
    const path = pathOf(resource, all ? undefined : session.namespace);
    const about = flags.text("for");
    let fieldSelector = flags.text("field-selector");
    if (about) {
      const [type = "", name = ""] = about.split("/");
      const { kind } = await mapper.require(type);
      fieldSelector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
    }
    const types = flags.list("types").flatMap((text) => text.split(","));
    const list = await session.get<{ metadata: { resourceVersion: string }; items: CoreV1Event[] }>(path, {
      fieldSelector,
    });
    const wanted = list.items
      .filter((event) => types.length === 0 || types.includes(event.type ?? ""))
      .sort((a, b) => timeOf(a) - timeOf(b));
    const printer = objectPrinter(flags.text("output") ?? "", { managedFields: false });
    if (printer) {
      io.out(await printer({ apiVersion: "v1", kind: "List", metadata: {}, items: wanted }, resource));
      return 0;
    }
    const header = [...(all ? ["NAMESPACE"] : []), "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];
    const row = (event: CoreV1Event): string[] => [
      ...(all ? [event.metadata?.namespace ?? ""] : []),
      lastSeen(event),
      event.type ?? "",
      event.reason ?? "",
      `${event.involvedObject.kind}/${event.involvedObject.name}`,
      (event.message ?? "").trim(),
    ];
    if (wanted.length === 0 && !flags.on("watch")) {
      io.err(all ? "No events found.\n" : `No events found in ${session.namespace} namespace.\n`);
      return 0;
    }
    io.out(alignColumns([...(flags.on("no-headers") ? [] : [header]), ...wanted.map(row)]));
    if (!flags.on("watch")) return 0;
    const response = await session.open("GET", path, {
      query: { fieldSelector, watch: true, resourceVersion: list.metadata.resourceVersion },
      signal: context.signal,
    });
    for await (const line of lines(response.body)) {
      if (line === "") continue;
      const event = JSON.parse(line) as { type: string; object: CoreV1Event };
      if (event.type === "ADDED" || event.type === "MODIFIED") io.out(alignColumns([row(event.object)]));
    }
    return 0;
  },
};

export function timeOf(event: CoreV1Event): number {
  return Date.parse(
    event.series?.lastObservedTime ??
      event.lastTimestamp ??
      event.eventTime ??
      event.metadata?.creationTimestamp ??
      "",
  );
}

/** `3s`, or `3s (x4 over 2m)` for a repeated event. */
export function lastSeen(event: CoreV1Event): string {
  const now = Date.now();
  const age = humanDuration(now - timeOf(event));
  const count = event.series?.count ?? event.count ?? 1;
  if (count <= 1) return age;
  const first = Date.parse(event.firstTimestamp ?? event.eventTime ?? "");
  return Number.isNaN(first) ? age : `${age} (x${count} over ${humanDuration(now - first)})`;
}
