import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveUser, type UserRequest } from "./image-user.ts";

const passwd =
  "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:www:/var/www:/bin/sh\n12:x:99:99::/odd:/bin/sh\nbroken\n";
const group = "root:x:0:\nweb:x:34:\nadm:x:4:web,root\n";

function who(request: Partial<UserRequest>) {
  const { uid, gid, groups, home } = resolveUser(
    { image: "", supplementalGroups: [], ...request },
    passwd,
    group,
  );
  return [uid, gid, groups.join(), home];
}

describe("the user of a container", () => {
  it("is the image's unless the pod says another", () => {
    assert.deepEqual(who({}), [0, 0, "0,4", "/root"]);
    assert.deepEqual(who({ image: "web" }), [33, 34, "34,4", "/var/www"]);
    assert.deepEqual(who({ image: "web:adm" }), [33, 4, "4", "/var/www"]);
    assert.deepEqual(who({ image: "33:7" }), [33, 7, "7,4", "/var/www"]);
    assert.deepEqual(who({ image: "web:adm", uid: 5000 }), [5000, 0, "0", "/"]);
    assert.deepEqual(who({ image: "web", uid: 33, gid: 9, supplementalGroups: [70] }), [
      33,
      9,
      "9,4,70",
      "/var/www",
    ]);
    assert.deepEqual(who({ username: "web", policy: "Strict", supplementalGroups: [70] }), [
      33,
      34,
      "34,70",
      "/var/www",
    ]);
  });

  it("with a name of digits is that name in the image, but a number in the pod", () => {
    assert.equal(who({ image: "12" })[0], 99);
    assert.equal(who({ uid: 12 })[0], 12);
  });

  it("has to exist when it is a name", () => {
    assert.throws(() => who({ image: "nobody" }), { code: "InvalidArgument" });
    assert.throws(() => who({ image: "web:nogroup" }), { code: "InvalidArgument" });
  });
});
