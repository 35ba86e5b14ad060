import { HostError } from "./errors.ts";

/**
 * An update that ended half-way: the resource is recorded as it is, so that the next update goes on with it and its
 * deletion removes what there is.
 */
export class PartlyMadeError extends HostError {
  readonly id: string;
  readonly state: Readonly<Record<string, unknown>>;

  constructor(message: string, id: string, state: object, cause: unknown) {
    super(message, { cause });
    this.name = "PartlyMadeError";
    this.id = id;
    this.state = { ...state };
  }
}
