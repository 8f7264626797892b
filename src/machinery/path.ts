/** Field paths as error messages show them: `spec.containers[0].env[1].name`, `metadata.labels[app]`. */
export const child = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);
export const at = (path: string, index: number): string => `${path}[${index}]`;
export const key = (path: string, name: string): string => `${path}[${name}]`;
