import { openNative } from "../../../linux/index.ts";
import { runToCompletion } from "../../../runtime/index.ts";
import type { BuildRunner } from "../build/runner.ts";

/** RUN in wherry's own containers. `program` is the native helper; it runs for as long as a step does. */
export function containerRunner(program: string): BuildRunner {
  return {
    async run(step) {
      const native = await openNative(program);
      try {
        const { layers, upper, work, args, env, cwd, user, network, onOutput, signal } = step;
        const exitCode = await runToCompletion({
          native,
          rootfs: { layers, upper, work },
          args,
          env,
          cwd,
          user,
          network,
          onOutput,
          ...(signal === undefined ? {} : { signal }),
        });
        return { exitCode };
      } finally {
        await native.close();
      }
    },
  };
}
