import { spawn } from "node:child_process";
import { toFsPath, toBytePath, type BytePath } from "../tar/byte-path.ts";
import type { NodeOperation, SpecialNodes } from "./special-nodes.ts";

/** Uses `native/nodes.c`: one process per batch. `command` is the program with the arguments before the verb. */
export function commandNodes(command: readonly [string, ...string[]]): SpecialNodes {
  const run = (args: (string | Buffer)[], input: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const [program, ...first] = command;
      // Node's arguments are text; paths that are not UTF-8 are passed by standard input.
      const child = spawn(program, [...first, ...args.map(String)], { stdio: ["pipe", "pipe", "pipe"] });
      const out: Buffer[] = [];
      let complaint = "";
      child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
      child.stderr.on("data", (chunk: Buffer) => {
        complaint += chunk.toString();
      });
      // The helper may end before it has read everything; its exit code tells why.
      child.stdin.on("error", () => {});
      child.on("error", (cause) => {
        reject(new Error(`the helper for device nodes cannot be started: ${cause.message}`, { cause }));
      });
      child.on("close", (code) => {
        if (code === 0) resolve(Buffer.concat(out));
        else reject(new Error(complaint.trim() || `the helper for device nodes ended with ${code}`));
      });
      child.stdin.end(input);
    });
  return {
    async apply(operations) {
      await run(["apply"], Buffer.concat(operations.map(encode)));
    },
    async readXattrs(root) {
      const found = new Map<BytePath, Map<string, string>>();
      const fields = (await run(["xattrs", toFsPath(root)], Buffer.alloc(0))).toString("latin1").split("\0");
      for (let i = 0; i + 2 < fields.length; i += 3) {
        const [path, name, hex] = fields.slice(i, i + 3) as [string, string, string];
        const attributes = found.get(path) ?? new Map<string, string>();
        attributes.set(name, Buffer.from(hex, "hex").toString("latin1"));
        found.set(path, attributes);
      }
      return found;
    },
    async sync(path) {
      await run(["sync", toFsPath(toBytePath(path))], Buffer.alloc(0));
    },
  };
}

function encode(operation: NodeOperation): Buffer {
  const fields =
    operation.kind === "node"
      ? [
          "n",
          operation.path,
          { "character-device": "c", "block-device": "b", fifo: "p" }[operation.type],
          operation.mode,
          operation.uid,
          operation.gid,
          operation.major,
          operation.minor,
        ]
      : ["x", operation.path, operation.name, Buffer.from(operation.value, "latin1").toString("hex")];
  return Buffer.from(fields.map((field) => `${field}\0`).join(""), "latin1");
}
