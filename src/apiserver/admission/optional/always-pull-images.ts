import type { Pod } from "../../../api/index.ts";
import { aggregateText, StatusError } from "../../../machinery/index.ts";
import { forbidden } from "../../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import { podOf } from "../pod-of.ts";

interface Pulled {
  path: string;
  policy: string | undefined;
  set(policy: "Always"): void;
}

/** AlwaysPullImages: forces image pulls, so that pods cannot use private images that are already on the node. */
export const alwaysPullImages: AdmissionPlugin = {
  name: "AlwaysPullImages",
  admit(request) {
    const pod = concerned(request);
    if (pod) for (const image of imagesOf(pod)) image.set("Always");
  },
  validate(request) {
    const pod = concerned(request);
    const others = pod ? imagesOf(pod).filter(({ policy }) => policy !== "Always") : [];
    if (others.length === 0) return;
    const refusals = others.map(({ path, policy }) => {
      const why = `${path}: Unsupported value: ${JSON.stringify(policy ?? "")}: supported values: "Always"`;
      return forbidden(request.resource.def, request.name, why).message;
    });
    // kube-apiserver aggregates its refusals into an error that is not a Status: 500 without a reason, even for one.
    throw new StatusError("", aggregateText(refusals));
  },
};

/** Updates are checked only when they change an image. */
function concerned(request: AdmissionRequest): Pod | undefined {
  const pod = podOf(request);
  if (!pod || request.operation !== "UPDATE") return request.operation === "CREATE" ? pod : undefined;
  const before = new Set(containersOf(request.oldObject as Pod).map(([, { image }]) => image));
  return containersOf(pod).some(([, { image }]) => !before.has(image)) ? pod : undefined;
}

const lists = ["initContainers", "containers", "ephemeralContainers"] as const;

function containersOf({
  spec,
}: Pod): (readonly [path: string, container: { image?: string; imagePullPolicy?: string }])[] {
  return lists.flatMap((list) =>
    (spec?.[list] ?? []).map((each, i) => [`spec.${list}[${i}].imagePullPolicy`, each] as const),
  );
}

function imagesOf(pod: Pod): Pulled[] {
  const containers = containersOf(pod).map(([path, each]) => ({
    path,
    policy: each.imagePullPolicy,
    set(policy: string) {
      each.imagePullPolicy = policy;
    },
  }));
  const volumes = (pod.spec?.volumes ?? []).flatMap(({ image }, i) =>
    image
      ? {
          path: `spec.volumes[${i}].image.pullPolicy`,
          policy: image.pullPolicy,
          set(policy: string) {
            image.pullPolicy = policy;
          },
        }
      : [],
  );
  return [...containers, ...volumes];
}
