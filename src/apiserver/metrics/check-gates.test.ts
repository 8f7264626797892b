import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFeatureGates } from "./check-gates.ts";

test("feature gates may say what is so anyway", () => {
  checkFeatureGates([
    "WatchList=true",
    " kube:GangScheduling = F",
    "SidecarContainers=1",
    "AllAlpha=false",
    "",
  ]);
  const refused = (pair: string, message: string) =>
    assert.throws(() => checkFeatureGates([pair]), { message });
  refused("WatchList=false", "cannot set feature gate WatchList to false, here it is always true");
  refused("GangScheduling=true", "cannot set feature gate GangScheduling to true, here it is always false");
  refused(
    "SidecarContainers=false",
    "cannot set feature gate SidecarContainers to false, here it is always true",
  );
  refused("Foo=true", "unrecognized feature gate: Foo");
  refused("WatchList", "missing bool value for WatchList");
  refused(
    "WatchList=maybe",
    'invalid value of WatchList=maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax',
  );
  refused("other:WatchList=true", "component not registered: other");
});
