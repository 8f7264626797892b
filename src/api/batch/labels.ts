/** Labels of a Job's pods; the second form is the legacy one, which is still written. */
export const jobLabels = ["batch.kubernetes.io/controller-uid", "controller-uid"] as const;
export const nameLabels = ["batch.kubernetes.io/job-name", "job-name"] as const;
