/** Types that are not structs, so not in the schema table. */
import type { Json, OpenApiVersion } from "./model.ts";

const machinery = "io.k8s.apimachinery.pkg";
const extensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";

export const definitions = {
  quantity: `${machinery}.api.resource.Quantity`,
  time: `${machinery}.apis.meta.v1.Time`,
  microTime: `${machinery}.apis.meta.v1.MicroTime`,
  intOrString: `${machinery}.util.intstr.IntOrString`,
  rawExtension: `${machinery}.runtime.RawExtension`,
  fields: `${machinery}.apis.meta.v1.FieldsV1`,
  patch: `${machinery}.apis.meta.v1.Patch`,
} as const;

const time: Json = { type: "string", format: "date-time" };
const anyObject: Json = { type: "object" };
const text: Json = { type: "string" };
/** As always formatted by Go's encoder. */
const written: Json = { ...text, default: "" };

const either = (version: OpenApiVersion, a: string, b: string, format: Json): Json =>
  version === 3 ? { ...format, oneOf: [{ type: a }, { type: b }] } : { type: "string", ...format };

/** Their schemas besides the description. */
export function specialTypes(version: OpenApiVersion): Record<string, Json> {
  const said = version === 3 ? written : text;
  return {
    [definitions.quantity]: either(version, "string", "number", {}),
    [definitions.time]: time,
    [definitions.microTime]: time,
    [definitions.intOrString]: either(version, "integer", "string", { format: "int-or-string" }),
    [definitions.rawExtension]: anyObject,
    [definitions.fields]: anyObject,
    [definitions.patch]: anyObject,
    [`${extensions}.JSON`]: {},
    [`${extensions}.JSONSchemaPropsOrArray`]: {},
    [`${extensions}.JSONSchemaPropsOrBool`]: {},
    [`${extensions}.JSONSchemaPropsOrStringArray`]: {},
    [`${extensions}.CustomResourceSubresourceStatus`]: anyObject,
    [`${machinery}.version.Info`]: {
      type: "object",
      required: ["major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate"].concat([
        "goVersion",
        "compiler",
        "platform",
      ]),
      properties: {
        buildDate: said,
        compiler: said,
        emulationMajor: text,
        emulationMinor: text,
        gitCommit: said,
        gitTreeState: said,
        gitVersion: said,
        goVersion: said,
        major: said,
        minCompatibilityMajor: text,
        minCompatibilityMinor: text,
        minor: said,
        platform: said,
      },
    },
  };
}
