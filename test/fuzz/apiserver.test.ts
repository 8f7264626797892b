/** Whatever a client sends, the answer is a proper one: no 500, no half write, a Status with its code for every failure. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answered, type Harness, startHarness } from "../../src/apiserver/testing/harness.ts";
import { fuzz, until } from "../../src/testing/index.ts";

const resources = [
  "/api/v1/namespaces/default/pods",
  "/apis/apps/v1/namespaces/default/deployments",
  "/api/v1/namespaces/default/services",
  "/api/v1/namespaces/default/configmaps",
];

const pod =
  '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"x":"y"}},"spec":{"containers":[{"name":"c","image":"i","env":[{"name":"A","value":"1"}],"ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1"}}}],"volumes":[{"name":"v","emptyDir":{}}]}}';
const deployment =
  '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}},"strategy":{"rollingUpdate":{"maxSurge":"25%"}}}}';
const service =
  '{"metadata":{"name":"s"},"spec":{"ports":[{"port":80,"targetPort":"http","nodePort":30080}],"type":"NodePort","selector":{"a":"b"}}}';

/** First line: method, path and content type; the rest is the body. */
const seeds = [
  `POST 0 application/json\n${pod}`,
  `POST 1 application/json\n${deployment}`,
  `POST 2 application/json\n${service}`,
  'POST 3 application/yaml\nmetadata:\n  name: c\ndata:\n  k: "1"\nbinaryData: {x: YQ==}\n',
  `PUT 0/a application/json\n${pod}`,
  'PATCH 0/a application/strategic-merge-patch+json\n{"spec":{"containers":[{"name":"c","image":"j"}]}}',
  'PATCH 3/c application/merge-patch+json\n{"data":{"k":null}}',
  'PATCH 3/c application/json-patch+json\n[{"op":"replace","path":"/data/k","value":"2"}]',
  'PATCH 3/z?fieldManager=f application/apply-patch+yaml\n{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"z"},"data":{"k":"v"}}',
  "GET 0?labelSelector=x%3Dy&limit=1 application/json\n",
  "GET 0?fieldSelector=spec.nodeName%3D&resourceVersion=1&resourceVersionMatch=Exact application/json\n",
  "GET 3?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0&limit=1 application/json\n",
  'DELETE 0/a application/json\n{"preconditions":{"uid":"x"},"gracePeriodSeconds":0,"propagationPolicy":"Foreground"}',
  "DELETE 3?labelSelector=a application/json\n",
];

const words = [
  "application/json",
  "application/vnd.kubernetes.protobuf",
  "application/yaml",
  "?dryRun=All",
  "&fieldValidation=Strict",
  "/status",
  "/scale",
  "/eviction",
  "/binding",
  "/log",
  "/proxy/",
  "resourceVersion=",
  "limit=",
  "%00",
  "%ff",
  "metadata",
  '"name":',
  '"metadata":null',
  '"spec":',
  "[]",
  "{}",
  "-1",
  "1e400",
  '"9223372036854775808"',
];

test("requests to the API are answered properly, whatever they hold", async () => {
  const h = await startHarness();
  try {
    await fuzz({
      runs: 1500,
      seeds,
      dictionary: words,
      async run(input) {
        const text = input.toString("latin1");
        const end = text.indexOf("\n");
        const [method = "GET", where = "", type = ""] = (end < 0 ? text : text.slice(0, end)).split(" ");
        const known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].includes(method);
        // Watches and followed logs do not end by themselves.
        if (!known || /watch|follow|sendInitial/i.test(decodeURIComponentSafely(where))) return;
        const path = where.replace(/^(\d)/, (digit) => resources[Number(digit) % resources.length] as string);
        const body = end < 0 || method === "GET" ? undefined : input.subarray(end + 1).toString("latin1");
        const answer = await ends(
          h,
          h.call(method, path.startsWith("/") ? path : `/${path}`, body, {
            "content-type": type,
          }),
        );
        assert.ok(answer.status >= 200 && answer.status < 600, `status ${answer.status}`);
        // Kubernetes answers some mistakes with 500 and no reason; InternalError is a failure of the server.
        assert.notEqual(answer.body?.reason, "InternalError", answer.text);
        if (answer.status >= 400 && answer.body) {
          assert.equal(answer.body.kind, "Status", answer.text);
          assert.equal(answer.body.code, answer.status, answer.text);
        }
      },
    });
    const list = await h.call("GET", resources[0] as string);
    assert.equal(list.status, 200, "the server answers as before");
  } finally {
    await h.close();
  }
});

test("a configuration of typed lists is refused properly, or applied again it changes nothing", async () => {
  const h = await startHarness({ plugins: { disable: ["ServiceAccount"] } });
  const paths = [resources[1], resources[2], resources[0]] as string[];
  try {
    await fuzz({
      runs: 80,
      seeds: [
        '0{"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80},{"containerPort":81,"name":"x"}]}]}}}}\n{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"j","ports":[{"containerPort":80,"protocol":"UDP"}],"env":[{"name":"A","value":"1"}]},{"name":"d","image":"i"}]}}}}',
        '1{"spec":{"ports":[{"port":80},{"port":81,"name":"x","protocol":"UDP"}]}}\n{"spec":{"ports":[{"port":80,"name":"y","targetPort":"z"}],"selector":{"a":"b"},"externalIPs":["1.2.3.4"]}}',
        '2{"metadata":{"finalizers":["a.b/c"],"labels":{"x":"y"}},"spec":{"containers":[{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/a"}]}],"volumes":[{"name":"v","emptyDir":{}}]}}\n{"metadata":{"labels":{"x":null},"finalizers":["d.e/f"]}}',
      ],
      dictionary: [
        '"name":',
        '"port":',
        '"ports":[',
        "null",
        "[]",
        "{}",
        '"protocol":"UDP"',
        '"k:{}":',
        ",{",
        '"value":""',
      ],
      async run(input) {
        const text = input.toString("latin1");
        const path = paths[Number(text[0])];
        if (!path) return;
        for (const [i, body] of text.slice(1).split("\n").slice(0, 2).entries()) {
          let config: { metadata?: object };
          try {
            config = JSON.parse(body) as object;
          } catch {
            continue;
          }
          if (typeof config !== "object" || config === null || Array.isArray(config)) continue;
          const apiVersion = path.includes("apps") ? "apps/v1" : "v1";
          const kind = path.endsWith("pods") ? "Pod" : path.endsWith("services") ? "Service" : "Deployment";
          const apply = (): Promise<Answered> =>
            ends(
              h,
              h.call(
                "PATCH",
                `${path}/z?fieldManager=m${i}&force=true`,
                { apiVersion, kind, ...config, metadata: { ...config.metadata, name: "z" } },
                { "content-type": "application/apply-patch+yaml" },
              ),
            );
          const once = await apply();
          assert.notEqual(once.body?.reason, "InternalError", once.text);
          if (once.status >= 300) {
            assert.equal(once.body.kind, "Status", once.text);
            continue;
          }
          const twice = await apply();
          assert.equal(twice.status, 200, twice.text);
          assert.deepEqual(twice.body, once.body);
        }
        const { body } = await h.call("GET", `${path}/z`);
        if (body.kind === "Status") return;
        await h.call(
          "PATCH",
          `${path}/z`,
          { metadata: { finalizers: null } },
          { "content-type": "application/merge-patch+json" },
        );
        await ends(h, h.call("DELETE", `${path}/z?gracePeriodSeconds=0`));
      },
    });
  } finally {
    await h.close();
  }
});

/** Waits for an answer while the server's clock runs. One that is stuck ends the test. */
async function ends<T>(h: Harness, answer: Promise<T>): Promise<T> {
  let done = false;
  answer.finally(() => (done = true)).catch(() => {});
  let turns = 0;
  await until("an answer", () => {
    if (!done && turns++ > 20) h.clock.advance(1000);
    return done;
  });
  return answer;
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
