/** Prints what failed or was skipped, a line per file, and the counts that tools/test.ts adds up. Only leaves count. */
import type { TestEvent } from "node:test/reporters";

interface Detail {
  name: string;
  file?: string;
  skip?: string | boolean;
  details: { duration_ms?: number; type?: string; error?: Error & { cause?: unknown } };
}

export default async function* reporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for await (const event of source) {
    if (event.type === "test:stderr" || event.type === "test:stdout") {
      const { message } = event.data as { message: string };
      if (process.env["TEST_OUTPUT"]) yield message;
      continue;
    }
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const data = event.data as unknown as Detail;
    const suite = data.details.type === "suite";
    const where = (data.file ?? "").replace(`${process.cwd()}/`, "");
    if (event.type === "test:fail") {
      const cause = data.details.error?.cause ?? data.details.error;
      const subtests =
        String((data.details.error as { failureType?: string })?.failureType) === "subtestsFailed";
      if (suite || subtests) continue;
      failed++;
      const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      yield `FAIL ${where}: ${data.name}\n${text.replace(/^/gm, "     ")}\n`;
    } else if (data.skip !== undefined && data.skip !== false) {
      skipped++;
      yield `skip ${where}: ${data.name} (${data.skip === true ? "no reason given" : data.skip})\n`;
    } else if (!suite) {
      passed++;
      if ((data.details.duration_ms ?? 0) > 5000) {
        yield `slow ${where}: ${data.name} ${((data.details.duration_ms ?? 0) / 1000).toFixed(1)} s\n`;
      }
    }
  }
  yield `#counts ${passed} ${failed} ${skipped}\n`;
}
