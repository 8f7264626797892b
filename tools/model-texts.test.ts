import assert from "node:assert/strict";
import { test } from "node:test";
import { oneWord, readTexts, textsIn } from "./model-texts.ts";

test("texts are read line by line, those of fields apart from the type's", () => {
  const source = `import { Model } from "x";
/**
 * First.
 *
 *  - \\\`"a"\\\` is a \\*list\\*
 * @deprecated
 */
export interface IThing extends TypeMeta {
    "apiVersion": "v1";
    /**
     * One.
     *
     * \tTwo.
     */
    "a-b"?: Array<string>;
    "silent": string;
    /**
     * Three.
     */
    "c": {
        [key: string]: string;
    };
}
/**
 * First.
 */
export declare class Thing {
    "c": string;
}
export type { IThing as IIoExampleV1Thing, Thing as IoExampleV1Thing };
`;
  const texts = { "": 'First.\n\n - `"a"` is a *list*', "a-b": "One.\n\n\tTwo.", c: "Three." };
  assert.deepEqual(textsIn(source), texts);
  assert.deepEqual(textsIn("/**\n * First.\n */\nexport interface IThing {\n}\n"), { "": "First." });
  assert.deepEqual(textsIn("/**\n * First.\n */\nexport type IThing = string;\n"), { "": "First." });
  assert.deepEqual(textsIn("export declare const a: string;\n"), {});
});

test("the package speaks of fields that hold objects, and of values", () => {
  const texts = readTexts("node_modules/kubernetes-models");
  assert.match(
    texts.get(oneWord("io.k8s.api.core.v1.Pod"))?.["spec"] ?? "",
    /^Specification of the desired behavior/,
  );
  assert.match(
    texts.get(oneWord("io.k8s.api.core.v1.ServiceSpec"))?.["type"] ?? "",
    /\n\nPossible enum values:\n - `"ClusterIP"` /,
  );
  assert.ok(texts.has(oneWord("io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService")));
});
