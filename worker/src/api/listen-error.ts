import { TaskfleetError } from "../core/errors.ts";

/** The API's address cannot be bound: it is taken, or not allowed. */
export class ApiListenError extends TaskfleetError {
  override readonly name = "ApiListenError";
  constructor(host: string, port: number, cause: NodeJS.ErrnoException) {
    super(
      `${host}:${port} for the API cannot be bound (${cause.code ?? cause.message}): set TASKFLEET_API_HOST and ` +
        "TASKFLEET_API_PORT to another address, or the port to 0 for any free one",
      { cause },
    );
  }
}
