import type { Command } from "../command.ts";

export const command: Command = {
  summary: "Lists the group versions the server serves.",
  usage: "api-versions",
  flags: [],
  async run({ session, io }) {
    const groups = await session.get<{ groups: { versions: { groupVersion: string }[] }[] }>("/apis");
    const core = await session.get<{ versions: string[] }>("/api");
    const all = [
      ...core.versions,
      ...groups.groups.flatMap((group) => group.versions.map((v) => v.groupVersion)),
    ];
    io.out(
      all
        .sort()
        .map((version) => `${version}\n`)
        .join(""),
    );
    return 0;
  },
};
