import { Duplex } from "node:stream";
import { CriError, type StreamSession } from "../cri/index.ts";
import type { Native } from "../linux/index.ts";
import type { Clock } from "../machinery/index.ts";
import { MonitorConnection, type Plan, planExec, type PlanContext, RuntimeError } from "../runtime/index.ts";
import { containerSpec } from "./container-spec.ts";
import type { Containers } from "./containers.ts";
import type { ImageStore } from "./images/index.ts";
import { namespacePin, type Places } from "./record.ts";
import type { Sandboxes } from "./sandboxes.ts";
import { streamSession } from "./streams.ts";

export interface StreamDependencies {
  containers: Containers;
  sandboxes: Sandboxes;
  images: Pick<ImageStore, "resolve">;
  native: Native;
  places: Places;
  context: PlanContext;
  clock: Clock;
}

/** Limit of each stream of an execSync; the rest is dropped (containerd GO-2022-0482: it must be bounded). */
const outputLimit = 16 << 20;

/** Exec sessions, and connections into a container's network. */
export class ContainerStreams {
  readonly #d: StreamDependencies;

  constructor(dependencies: StreamDependencies) {
    this.#d = dependencies;
  }

  async #execPlan(id: string, command: string[], tty: boolean, stdin: boolean): Promise<Plan> {
    const { containers, sandboxes, images, places, context } = this.#d;
    const record = containers.need(id);
    const image = await images.resolve(record.imageId);
    const { uid, gid, supplementalGroups } = record.user;
    const spec = containerSpec({
      id,
      config: { ...record.config, tty, stdin, command, args: [], mounts: [], devices: [] },
      sandbox: sandboxes.need(record.sandboxId),
      image: image ?? {
        config: { architecture: "", os: "linux", rootfs: { type: "layers", diff_ids: [] } },
        layers: [],
      },
      user: { uid, gid, groups: supplementalGroups, home: "/", name: "" },
      places,
      cgroupsPath: record.cgroupsPath,
      resources: record.resources,
      targetPid: 1,
    });
    return planExec(spec.process, spec.linux, context);
  }

  async #execConnection(id: string, command: string[]): Promise<MonitorConnection> {
    if (command.length === 0) throw new CriError("InvalidArgument", "the command is empty");
    return this.#d.containers.connect(id);
  }

  async exec(
    id: string,
    options: { command: string[]; tty: boolean; stdin: boolean },
  ): Promise<StreamSession> {
    const { command, tty, stdin } = options;
    const connection = await this.#execConnection(id, command);
    const session = streamSession(connection, { tty, stdin });
    try {
      await connection.exec(await this.#execPlan(id, command, tty, stdin));
    } catch (error) {
      connection.close();
      throw startFailure(error);
    }
    return session;
  }

  async execSync(id: string, command: string[], timeoutSeconds: number) {
    const { clock } = this.#d;
    const connection = await this.#execConnection(id, command);
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const sizes = { stdout: 0, stderr: 0 };
    connection.onOutput = (stream, data) => {
      const room = outputLimit - sizes[stream];
      if (room > 0) output[stream].push(data.length > room ? data.subarray(0, room) : data);
      sizes[stream] += data.length;
      return true;
    };
    const done = new AbortController();
    try {
      await connection.exec(await this.#execPlan(id, command, false, false));
      const late =
        timeoutSeconds > 0
          ? clock.sleep(timeoutSeconds * 1000, done.signal).then(() => "late" as const)
          : new Promise<never>(() => undefined);
      late.catch(() => undefined);
      const exit = await Promise.race([connection.exited, late]);
      if (exit === "late") {
        throw new CriError(
          "DeadlineExceeded",
          `command ${JSON.stringify(command.join(" "))} timed out after ${timeoutSeconds} s`,
        );
      }
      if (!exit) throw new CriError("Unknown", "the container ended while the command ran");
      return {
        stdout: Buffer.concat(output.stdout),
        stderr: Buffer.concat(output.stderr),
        exitCode: exit.exitCode,
      };
    } catch (error) {
      throw startFailure(error);
    } finally {
      done.abort();
      connection.close(); // this kills a running command
    }
  }

  async attach(id: string, options: { tty: boolean; stdin: boolean }): Promise<StreamSession> {
    const record = this.#d.containers.need(id);
    const connection = await this.#d.containers.connect(id);
    const session = streamSession(connection, {
      tty: record.config.tty,
      stdin: options.stdin && record.config.stdin,
    });
    await connection.attach(options.stdin && record.config.stdin);
    return session;
  }

  async portForward(sandboxId: string, port: number): Promise<Duplex> {
    const { sandboxes, places, native } = this.#d;
    const sandbox = sandboxes.need(sandboxId);
    if (!sandbox.ready) throw new CriError("FailedPrecondition", `sandbox ${sandboxId} is not running`);
    if (!(Number.isInteger(port) && port > 0 && port < 65536))
      throw new CriError("InvalidArgument", `${port} is no port`);
    const netns = sandbox.pinned.includes("net") ? namespacePin(places, sandboxId, "net") : "";
    const connection = await MonitorConnection.open(native.launchSocket);
    const plan: Plan = [
      ["@attach"],
      ["@bound"],
      ["@stdin-once"],
      ["@stdio", "pipe", true],
      ["@clone", 0],
      ...(netns ? [["join", "net", netns] as const] : []),
      ["session"],
      ["bounding", 0],
      ["user", 65534, 65534],
      ["capabilities", 0, 0, 0, 0],
      ["no-new-privileges"],
      ["connect", port],
    ];
    const session = streamSession(connection, { tty: false, stdin: true });
    try {
      await connection.launch(plan);
    } catch (error) {
      connection.close();
      const refused = error instanceof RuntimeError && error.code === "ECONNREFUSED";
      const why = refused ? "connection refused" : error instanceof Error ? error.message : String(error);
      throw new CriError("Unavailable", `failed to connect to localhost:${port} inside the pod: ${why}`, {
        cause: error,
      });
    }
    session.stderr?.resume();
    const duplex = Duplex.from({ readable: session.stdout, writable: session.stdin }) as Duplex;
    duplex.on("close", () => session.close());
    duplex.on("error", () => session.close());
    return duplex;
  }
}

/** The message of other runtimes; kubectl users know its end. */
function startFailure(error: unknown): unknown {
  if (!(error instanceof RuntimeError)) return error;
  return new CriError("Unknown", `OCI runtime exec failed: ${error.message}`, { cause: error });
}
