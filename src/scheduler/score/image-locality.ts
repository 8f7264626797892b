import { maxScore, type ScorePlugin } from "../plugin.ts";

const mebibyte = 1024 * 1024;
/** Below this sum of sizes the score is 0; above the other it is the maximum. Per container. */
const small = 23 * mebibyte;
const large = 1000 * mebibyte;

/** Prefers nodes that have the images, each weighted by the share of nodes with it (so that pods still spread). */
export const imageLocality: ScorePlugin = {
  name: "ImageLocality",
  weight: 1,
  score(pod, nodes, snapshot) {
    const containers = [...(pod.pod.spec?.containers ?? []), ...(pod.pod.spec?.initContainers ?? [])];
    const names = containers.map((container) => normalized(container.image ?? ""));
    if (snapshot.nodes.size < 2) return undefined;
    const shares = names.map((name) => {
      let having = 0;
      for (const node of snapshot.nodes.values()) if (node.images.has(name)) having++;
      return having / snapshot.nodes.size;
    });
    return nodes.map((node) => {
      let sum = 0;
      names.forEach((name, i) => {
        sum += (node.images.get(name) ?? 0) * (shares[i] ?? 0);
      });
      const top = large * names.length;
      const bounded = Math.min(Math.max(sum, small), top);
      return Math.floor((maxScore * (bounded - small)) / (top - small));
    });
  },
};

function normalized(image: string): string {
  return image.lastIndexOf(":") <= image.lastIndexOf("/") && !image.includes("@") ? `${image}:latest` : image;
}
