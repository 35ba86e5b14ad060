/** A file of a project on a host, beside its compose.yaml. */
export interface ProjectFile {
  /** Relative to the project's folder, such as `observability/prometheus.yml`. */
  readonly path: string;
  /** May hold references, see `components/targets/references.ts`. */
  readonly content: string;
  /** Octal text: `0444`. Containers of other users read files through bind mounts: their folder keeps others out. */
  readonly mode: string;
}
