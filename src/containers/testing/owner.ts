/** A wherry process to kill: starts two containers, prints that, and waits. */
import { join } from "node:path";
import { createContainerRuntime } from "../runtime-service.ts";
import { containerConfig, runtimeOptions, sandboxConfig } from "./test-runtime.ts";

const directory = process.argv[2] ?? "";
const runtime = await createContainerRuntime(runtimeOptions(directory));
const pod = sandboxConfig(directory, "adopted");
const sandbox = await runtime.runPodSandbox(pod);
async function start(name: string, script: string): Promise<string> {
  const config = containerConfig(name, ["sh", "-c", script]);
  config.mounts.push({ containerPath: "/host", hostPath: directory, readonly: true, propagation: "PRIVATE" });
  const id = await runtime.createContainer(sandbox, config, pod);
  await runtime.startContainer(id);
  return id;
}
const lasting = await start("lasting", "echo kept > /kept; exec sleep 1000");
const short = await start("short", "while [ ! -e /host/go ]; do sleep 0.01; done; exit 6");
while ((await runtime.execSync(lasting, ["cat", "/kept"], 5)).exitCode !== 0) {}
process.send?.({ sandbox, lasting, short });
setInterval(() => join("/"), 1000);
