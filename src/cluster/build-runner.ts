import type { BuildRunner } from "../containers/index.ts";
import { type Native, openNative } from "../linux/index.ts";
import { runToCompletion } from "../runtime/index.ts";

/** Carries out RUN steps in containers; the native helper is started with the first one. */
export function containerBuildRunner(program: () => string): { runner: BuildRunner; close(): Promise<void> } {
  let native: Promise<Native> | undefined;
  return {
    runner: {
      async run(step) {
        native ??= openNative(program());
        const { layers, upper, work, signal, ...rest } = step;
        const exitCode = await runToCompletion({
          ...rest,
          native: await native,
          rootfs: { layers, upper, work },
          ...(signal ? { signal } : {}),
        });
        return { exitCode };
      },
    },
    async close() {
      await (await native)?.close();
    },
  };
}
