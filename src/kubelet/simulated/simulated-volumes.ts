import type { PodVolumes } from "../volumes/volume-manager.ts";

/** Volumes of simulated pods: each is ready at once, and nothing is written. */
export const simulatedVolumes: PodVolumes = {
  setUp: (pod) =>
    Promise.resolve({
      byName: new Map(
        (pod.spec?.volumes ?? []).map(({ name }) => [
          name,
          { name, hostPath: `/simulated/${name}`, readOnly: false },
        ]),
      ),
      refreshAt: undefined,
    }),
  subPath: (_pod, _container, _index, _mount, volume, path) => Promise.resolve(`${volume.hostPath}/${path}`),
  writeFile: (uid, path) => `/simulated/${uid}/${path}`,
  tearDown: () => Promise.resolve(),
  leftovers: () => Promise.resolve([]),
};
