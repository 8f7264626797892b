import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject } from "../../../api/index.ts";
import { createMergePatch, parseYamlDocuments } from "../../../machinery/index.ts";
import { UsageError } from "../../flags.ts";
import { type Command, filenameFlags, outputFlags, selectorFlags } from "../command.ts";
import { objectName, pathOf } from "../mapper.ts";
import { errorText } from "../error-text.ts";
import { objectPrinter } from "../print/object.ts";
import { objectsOf, targetsOf } from "../targets.ts";

const head = `# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`;

export const command: Command = {
  summary: "Opens objects in an editor ($KUBE_EDITOR, $EDITOR or vi) and saves what changed.",
  usage: "edit (TYPE NAME | TYPE/NAME) [flags]",
  flags: [
    ...filenameFlags,
    ...selectorFlags,
    ...outputFlags,
    { long: "subresource", type: "string", help: "status or another subresource" },
  ],
  async run(context, { flags, args }) {
    const targets = await targetsOf(context.mapper, context.session, args, flags);
    if (targets.length === 0) throw new UsageError("must specify one or more resources to edit");
    const editor = process.env["KUBE_EDITOR"] ?? process.env["EDITOR"] ?? "vi";
    const yaml = objectPrinter("yaml", { managedFields: false });
    const folder = mkdtempSync(join(tmpdir(), "wherry-edit-"));
    try {
      for (const { resource, namespace, name, object } of await objectsOf(context.session, targets, flags)) {
        const file = join(folder, `${resource.singular}-${name}.yaml`);
        const shown = (await yaml?.(object, resource)) ?? "";
        let text = head + shown;
        for (;;) {
          writeFileSync(file, text);
          const ran = spawnSync("sh", ["-c", `${editor} "$1"`, "sh", file], { stdio: "inherit" });
          if (ran.status !== 0)
            throw new Error(`the editor "${editor}" ended with ${ran.status ?? ran.signal}`);
          const edited = readFileSync(file, "utf8");
          const body = edited.replace(/^#.*\n/gm, "");
          if (body.trim() === "" || body === shown) {
            context.io.out("Edit cancelled, no changes made.\n");
            return 0;
          }
          try {
            const wanted = parseYamlDocuments(body, file)[0]?.value as KubeObject;
            const before = parseYamlDocuments(shown, file)[0]?.value as KubeObject;
            await context.session.call(
              "PATCH",
              pathOf(resource, namespace, name, flags.text("subresource")),
              {
                query: { fieldManager: "kubectl-edit", fieldValidation: "Strict" },
                body: createMergePatch(before, wanted),
                contentType: "application/merge-patch+json",
              },
            );
            context.io.out(`${objectName(resource, name)} edited\n`);
            break;
          } catch (error) {
            if (edited === text) throw error;
            text = `# ${errorText(error).replaceAll("\n", "\n# ")}\n#\n${edited.replace(/^# .*is invalid.*\n#\n/, "")}`;
          }
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return 0;
  },
};
