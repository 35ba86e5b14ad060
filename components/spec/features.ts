import { CONTROLS, type ControlName } from "../../worker/contract/controls.ts";

/** How a worker is confined: the fields of the spec's `security`. A spec may accept a target without one. */
export const CONFINEMENTS = CONTROLS;

/** What a target may or may not be able to do; a row of the capability table each. */
export const FEATURES = [
  ...CONFINEMENTS,
  "untrustedExecute",
  "gpu",
  /** An API that other machines reach. */
  "publishedApi",
  /** A sandbox broker's socket, which somebody else runs. */
  "sandboxBroker",
  /** Secrets in files of the machine. */
  "secretFiles",
  /** A collector of traces on the machine's loopback. */
  "loopbackCollector",
] as const;

export type Confinement = ControlName;
export type Feature = (typeof FEATURES)[number];

/** A feature that the spec insists on, and where and how it says so. */
export interface Demand {
  readonly feature: Feature;
  /** `security.pids` */
  readonly path: string;
  /** The demanded value, ready to print. */
  readonly value: string;
}
