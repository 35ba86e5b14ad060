/** One thing that must be there before the platform's commands can work. */
export interface SetupStep {
  readonly name: string;
  /** Whether there is nothing to do; takes milliseconds. */
  check(): boolean;
  /**
   * Does what is missing; `report` takes a few words on how far it is. Resolves to the outcome in words where
   * it is another than "done".
   */
  run(report: (detail: string) => void): Promise<string> | Promise<void>;
}
