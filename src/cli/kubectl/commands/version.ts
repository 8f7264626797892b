import type { Command } from "../command.ts";
import { objectPrinter } from "../print/object.ts";
import { errorText } from "../error-text.ts";

interface Info {
  major: string;
  minor: string;
  gitVersion: string;
  platform?: string;
}

export const command: Command = {
  summary: "Shows the versions of client and server.",
  usage: "version [--client] [-o json|yaml]",
  flags: [
    { long: "client", type: "boolean", help: "only the client" },
    { long: "output", short: "o", type: "string", help: "json or yaml" },
  ],
  async run({ session, io }, { flags }) {
    const clientVersion: Info = {
      major: "1",
      minor: "36",
      gitVersion: "v1.36.3+wherry",
      platform: `linux/${process.arch}`,
    };
    let serverVersion: Info | undefined;
    let failed: unknown;
    if (!flags.on("client")) {
      try {
        serverVersion = await session.get<Info>("/version");
      } catch (error) {
        failed = error;
      }
    }
    const printer = objectPrinter(flags.text("output") ?? "", { managedFields: true });
    if (printer)
      io.out(await printer({ clientVersion, ...(serverVersion ? { serverVersion } : {}) }, undefined));
    else {
      io.out(`Client Version: ${clientVersion.gitVersion}\n`);
      if (serverVersion) io.out(`Server Version: ${serverVersion.gitVersion}\n`);
    }
    if (failed === undefined) return 0;
    io.err(`${errorText(failed)}\n`);
    return 1;
  },
};
