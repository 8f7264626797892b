import type { Command } from "../command.ts";
import { resourceName } from "../mapper.ts";
import { alignColumns } from "../print/columns.ts";
import { apiVersionOf } from "../targets.ts";

export const command: Command = {
  summary: "Lists the resources the server serves.",
  usage: "api-resources [flags]",
  flags: [
    { long: "api-group", type: "string", help: "only this group" },
    { long: "namespaced", type: "boolean", help: "only namespaced ones, or with =false only the others" },
    { long: "verbs", type: "list", help: "only those that support these verbs" },
    { long: "categories", type: "list", help: "only those of these categories" },
    { long: "output", short: "o", type: "string", help: "wide or name" },
    { long: "no-headers", type: "boolean", help: "no header line" },
    { long: "sort-by", type: "string", help: "name or kind" },
    { long: "cached", type: "boolean", help: "accepted for compatibility" },
  ],
  async run({ mapper, io }, { flags }) {
    const wantedVerbs = flags.list("verbs").flatMap((text) => text.split(","));
    const wantedCategories = flags.list("categories").flatMap((text) => text.split(","));
    const all = (await mapper.all()).filter(
      (resource) =>
        (!flags.has("api-group") || resource.group === flags.text("api-group")) &&
        (!flags.has("namespaced") || resource.namespaced === flags.on("namespaced")) &&
        wantedVerbs.every((verb) => resource.verbs.includes(verb)) &&
        wantedCategories.every((category) => resource.categories.includes(category)),
    );
    const by = flags.text("sort-by");
    const key = (r: (typeof all)[number]): string =>
      by === "kind" ? r.kind : by === "name" ? r.plural : `${r.group} ${r.plural}`;
    // Preferred versions come first.
    const preferred = new Map<string, (typeof all)[number]>();
    for (const one of all) if (!preferred.has(resourceName(one))) preferred.set(resourceName(one), one);
    const sorted = [...preferred.values()].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
    if (flags.text("output") === "name") {
      io.out(sorted.map((resource) => `${resourceName(resource)}\n`).join(""));
      return 0;
    }
    const wide = flags.text("output") === "wide";
    const rows = sorted.map((resource) => [
      resource.plural,
      resource.shortNames.join(","),
      apiVersionOf(resource),
      String(resource.namespaced),
      resource.kind,
      ...(wide ? [[...resource.verbs].sort().join(","), resource.categories.join(",")] : []),
    ]);
    const header = [
      "NAME",
      "SHORTNAMES",
      "APIVERSION",
      "NAMESPACED",
      "KIND",
      ...(wide ? ["VERBS", "CATEGORIES"] : []),
    ];
    io.out(alignColumns(flags.on("no-headers") ? rows : [header, ...rows]));
    return 0;
  },
};
