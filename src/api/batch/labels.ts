/** Labels by which a Job knows its pods; the second spelling is the older one, still written beside. */
export const jobLabels = ["batch.kubernetes.io/controller-uid", "controller-uid"] as const;
export const nameLabels = ["batch.kubernetes.io/job-name", "job-name"] as const;
