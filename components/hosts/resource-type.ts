import type { Failure } from "./process-inputs.ts";

export interface Changes {
  readonly changes: boolean;
  /** Inputs whose change makes it another resource; the old one is deleted first. */
  readonly replaces: readonly string[];
}

/**
 * One resource type of the provider, on plain values. The recorded state is the inputs and, beside them,
 * what the resource found out (`State`).
 */
export interface ResourceType<Inputs, State> {
  /** Fields of `State` that are stored as secrets. */
  readonly secretOutputs: readonly (keyof State)[];
  /** Inputs that end where others can read them. */
  readonly noSecretsIn: readonly (keyof Inputs)[];
  check(inputs: Inputs): readonly Failure[];
  diff(olds: Inputs & State, news: Inputs): Changes;
  create(inputs: Inputs): Promise<{ readonly id: string; readonly state: State }>;
  /** What is different on the host from what was recorded. */
  read(state: Inputs & State): Promise<Partial<State>>;
  update(olds: Inputs & State, news: Inputs): Promise<State>;
  delete(state: Inputs & State): Promise<void>;
}
