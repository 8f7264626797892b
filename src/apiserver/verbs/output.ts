import { formatYaml } from "../../machinery/index.ts";
import type { KubeObject } from "../../api/index.ts";
import type { Entry } from "../cache/entry.ts";
import type { Target } from "../codec/negotiate.ts";
import type { Call } from "../core.ts";
import { type Answer, bytesAnswer } from "../response.ts";
import { includeOf, partialObject, tableOf } from "../tables/render.ts";

/** One stored object, as the client asked for it. */
export function objectAnswer(call: Call, status: number, entry: Entry): Answer {
  const { resource, target } = call;
  const plain = target.as === "object" && target.format === "json" && !target.pretty;
  if (plain) return withWarnings(call, bytesAnswer(status, resource.json(entry)));
  return valueAnswer(call, status, resource.object(entry));
}

/** Any object of the kind (a dry run's, for instance). */
export function valueAnswer(call: Call, status: number, object: KubeObject): Answer {
  const { resource, target, core, info } = call;
  let value: unknown = object;
  if (target.as === "table") {
    const include = includeOf(info.query);
    value = tableOf(resource.def, [object], core.clock.now(), include, target.asVersion, {
      resourceVersion: object.metadata?.resourceVersion,
    });
  } else if (target.as === "partial") value = partialObject(object, target.asVersion);
  return withWarnings(call, encoded(status, value, target));
}

export function encoded(status: number, value: unknown, target: Target): Answer {
  if (target.format === "yaml")
    return bytesAnswer(status, Buffer.from(formatYaml(value)), "application/yaml");
  const text = target.pretty ? `${JSON.stringify(value, undefined, 2)}\n` : JSON.stringify(value);
  return bytesAnswer(status, Buffer.from(text));
}

/** RFC 7234 Warning headers, as client-go reads them; more than one are joined by commas. */
export function withWarnings(call: { warnings: readonly string[] }, answer: Answer): Answer {
  if (call.warnings.length > 0) {
    const texts = [...new Set(call.warnings)].map(
      // biome-ignore lint: control characters may not stand in a header
      (text) => `299 - "${text.replaceAll(/[\u0000-\u001f\u007f]/g, " ").replaceAll(/["\\]/g, "\\$&")}"`,
    );
    answer.headers.warning = texts.join(", ");
  }
  return answer;
}
