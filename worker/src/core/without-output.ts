import type { ResultRecord } from "../../contract/records.ts";

/** A result whose output is not to be had: no success any more; another end stays what it is, with the reason added. */
export function withoutOutput(given: ResultRecord, why: string): ResultRecord {
  const { output, stored, error, ...record } = given;
  return error === undefined
    ? { ...record, status: "error", error: { message: why, reason: "result" } }
    : { ...record, error: { ...error, message: `${error.message}; ${why}` } };
}
