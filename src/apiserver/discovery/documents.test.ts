import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
let failing = false;
before(async () => {
  h = await startHarness({
    components: () => [{ name: "scheduler", error: "it fell over" }],
    checks: new Map([
      [
        "custom",
        () => {
          if (failing) throw new Error("no");
        },
      ],
    ]),
  });
});
after(() => h.close());

test("legacy discovery", async () => {
  assert.deepEqual((await h.call("GET", "/api")).body.versions, ["v1"]);
  const core = (await h.call("GET", "/api/v1")).body;
  const pods = core.resources.find((each: { name: string }) => each.name === "pods");
  assert.deepEqual([pods.kind, pods.shortNames, pods.namespaced], ["Pod", ["po"], true]);
  const names = core.resources.map((each: { name: string }) => each.name);
  for (const name of ["pods/status", "pods/binding", "pods/eviction", "namespaces/finalize"])
    assert.ok(names.includes(name), name);
  const { groups } = (await h.call("GET", "/apis")).body;
  for (const group of groups) {
    for (const { groupVersion } of group.versions) {
      const list = (await h.call("GET", `/apis/${groupVersion}`)).body;
      assert.ok(list.resources.length > 0, groupVersion);
    }
    assert.ok(group.preferredVersion.groupVersion.startsWith(`${group.name}/`));
  }
  const apps = (await h.call("GET", "/apis/apps/v1")).body.resources;
  const scale = apps.find((each: { name: string }) => each.name === "deployments/scale");
  assert.deepEqual([scale.group, scale.version, scale.kind], ["autoscaling", "v1", "Scale"]);
  assert.equal((await h.call("GET", "/apis/none.example.com")).status, 404);
});

test("aggregated discovery, with its content type and an ETag", async () => {
  const type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const first = await h.call("GET", "/apis", undefined, { accept: `${type},application/json` });
  assert.equal(first.headers["content-type"], type);
  assert.equal(first.body.kind, "APIGroupDiscoveryList");
  const apps = first.body.items.find((each: { metadata: { name: string } }) => each.metadata.name === "apps");
  const deployments = apps.versions[0].resources.find(
    (each: { resource: string }) => each.resource === "deployments",
  );
  assert.deepEqual(
    [
      deployments.scope,
      deployments.responseKind.kind,
      deployments.subresources.map((each: { subresource: string }) => each.subresource),
    ],
    ["Namespaced", "Deployment", ["scale", "status"]],
  );
  const again = await h.call("GET", "/apis", undefined, {
    accept: type,
    "if-none-match": first.headers.etag ?? "",
  });
  assert.equal(again.status, 304);
  assert.equal(
    (await h.call("GET", "/api", undefined, { accept: type })).body.items[0].versions[0].version,
    "v1",
  );
});

test("methods and slashes: endpoints take GET and a slash, pages take any method and none", async () => {
  for (const path of ["/api", "/api/v1", "/apis/apps/v1", "/version"]) {
    assert.equal((await h.call("GET", `${path}/`)).status, 200, path);
    for (const method of ["HEAD", "POST", "OPTIONS"])
      assert.equal((await h.call(method, path)).status, 405, `${method} ${path}`);
  }
  for (const path of ["/", "/apis", "/apis/apps", "/healthz", "/metrics"])
    for (const method of ["HEAD", "POST", "DELETE"])
      assert.equal((await h.call(method, path)).status, 200, `${method} ${path}`);
  for (const path of ["/healthz/", "/metrics/", "/nope", "//api/v1"]) {
    const { status, text, headers } = await h.call("GET", path);
    assert.deepEqual([status, text], [404, "404 page not found\n"], path);
    assert.equal(headers["cache-control"], "no-cache, private");
  }
  assert.equal((await h.call("GET", "/version/openid")).body.reason, "NotFound");
});

test("what is asked and not stored: the state of components, bindings", async () => {
  const list = await h.call("GET", "/api/v1/componentstatuses");
  assert.equal(list.headers["warning"], '299 - "v1 ComponentStatus is deprecated in v1.19+"');
  assert.deepEqual(
    list.body.items.map((each: { metadata: { name: string } }) => each.metadata.name),
    ["scheduler", "etcd-0"],
  );
  const table = await h.call("GET", "/api/v1/componentstatuses/scheduler", undefined, {
    accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
  });
  assert.deepEqual(table.body.rows[0].cells, ["scheduler", "Unhealthy", "it fell over", ""]);
  const missing = await h.call("GET", "/api/v1/componentstatuses/x");
  assert.deepEqual(missing.body.details, { name: "x", kind: "componentstatus" });
  const watched = await h.call("GET", "/api/v1/componentstatuses?watch=1");
  assert.equal(watched.body.message, 'watch is not supported on resources of kind "componentstatuses"');
  const bind = (body: object) => h.call("POST", "/api/v1/namespaces/default/bindings", body);
  assert.deepEqual(
    [(await bind({})).body.message, (await bind({ target: { name: "n" } })).body.message],
    ["target.name: Required value", "Name parameter required."],
  );
  const nobody = await bind({ metadata: { name: "p" }, target: { name: "n" } });
  assert.equal(nobody.body.message, 'pods "p" not found');
});

test("OpenAPI: an index of documents whose addresses change with them", async () => {
  const { paths } = JSON.parse((await h.call("GET", "/openapi/v3")).text);
  assert.deepEqual(Object.keys(paths).slice(0, 5), [
    ".well-known/openid-configuration",
    "api",
    "api/v1",
    "apis",
    "apis/admissionregistration.k8s.io",
  ]);
  const { serverRelativeURL } = paths["apis/apps/v1"];
  assert.match(serverRelativeURL, /^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/);
  const apps = await h.call("GET", serverRelativeURL);
  assert.ok(apps.body.components.schemas["io.k8s.api.apps.v1.Deployment"]);
  assert.equal(apps.headers["cache-control"], "public, immutable");
  assert.equal(apps.headers["etag"], `"${serverRelativeURL.split("=")[1]}"`);
  const old = await h.call("GET", "/openapi/v3/apis/apps/v1?hash=ABC");
  assert.deepEqual([old.status, old.headers["location"]], [301, serverRelativeURL]);
  const etag = apps.headers["etag"] ?? "";
  for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*"])
    assert.equal((await h.call("GET", serverRelativeURL, undefined, { "if-none-match": known })).status, 304);
  assert.ok((await h.call("GET", "/openapi/v3/apis/apps")).body.paths["/apis/apps/"]);
  assert.equal((await h.call("GET", "/openapi/v3/apis/none/v1")).status, 404);
});

test("OpenAPI: JSON and protobuf, and nothing else", async () => {
  const get = (path: string, accept: string) => h.call("GET", path, undefined, { accept });
  assert.equal((await get("/openapi/v2", "*/*")).body.swagger, "2.0");
  for (const version of ["v2", "v3"]) {
    const path = version === "v2" ? "/openapi/v2" : "/openapi/v3/version";
    const type = `application/com.github.proto-openapi.spec.${version}`;
    for (const name of [`${type}@v1.0+protobuf`, `${type}.v1.0+protobuf`]) {
      const { headers, bytes } = await get(path, `${name}, application/json;q=0.5`);
      assert.equal(headers["content-type"], `${type}.v1.0+protobuf`);
      // Field 1 is the version of OpenAPI, field 2 the title and so on.
      assert.equal(bytes[0], 0x0a);
      assert.equal(bytes.subarray(2, 5).toString(), version === "v2" ? "2.0" : "3.0");
    }
    for (const name of ["text/html", "application/vnd.kubernetes.protobuf", "application/yaml"])
      assert.equal((await get(path, name)).status, 406, name);
  }
});

test("version, health and metrics", async () => {
  const { body } = await h.call("GET", "/version");
  assert.deepEqual([body.major, body.minor], ["1", "36"]);
  assert.equal((await h.call("GET", "/healthz")).text, "ok");
  const verbose = await h.call("GET", "/readyz?verbose");
  assert.match(verbose.text, /^\[\+\]ping ok\n.*readyz check passed\n$/s);
  assert.match(verbose.text, /^\[\+\]poststarthook\/start-service-ip-repair-controllers ok$/m);
  assert.equal((await h.call("GET", "/livez/ping")).text, "ok");
  assert.equal((await h.call("GET", "/livez/poststarthook")).status, 404);
  assert.doesNotMatch((await h.call("GET", "/livez?verbose")).text, /shutdown/);
  assert.match(
    (await h.call("GET", "/readyz?verbose&exclude=b&exclude=a&exclude=etcd")).text,
    /\[\+\]etcd excluded: ok\n.*\[\+\]shutdown ok\nwarn: some health checks cannot be excluded: no matches for "a","b"\nreadyz check passed\n$/s,
  );
  failing = true;
  const failed = await h.call("GET", "/readyz");
  assert.equal(failed.status, 500);
  assert.match(failed.text, /\[-\]custom failed: reason withheld\n\[\+\]shutdown ok\nreadyz check failed\n$/);
  assert.equal((await h.call("GET", "/readyz?exclude=custom")).text, "ok");
  failing = false;
  await h.call("GET", "/api/v1/namespaces/default/pods");
  const { text } = await h.call("GET", "/metrics");
  assert.match(text, /^apiserver_request_total\{code="200",component="apiserver",dry_run="",.*verb="LIST"/m);
  assert.ok((await h.call("GET", "/")).body.paths.includes("/apis/apps/v1"));
});

test("/livez ignores start-up steps for a while, /readyz does not", async (t) => {
  const h = await startHarness({
    livezGraceMs: 1000,
    checks: new Map([
      [
        "poststarthook/late",
        () => {
          throw new Error("not finished");
        },
      ],
    ]),
  });
  t.after(() => h.close());
  assert.equal((await h.call("GET", "/livez")).status, 200);
  assert.equal((await h.call("GET", "/livez/poststarthook/late")).status, 200);
  assert.equal((await h.call("GET", "/readyz")).status, 500);
  await h.clock.run(1000);
  assert.equal((await h.call("GET", "/livez")).status, 500);
});
