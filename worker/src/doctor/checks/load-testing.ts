import { formatDuration } from "../../cli/output/units.ts";
import { type Check, failed, ok } from "../check.ts";

const DAY_MS = 86_400_000;
const OLDEST_MS = 90 * DAY_MS;
const WAY_OUT = "taskfleet loadtest";

/** The last load test passed, and is not older than 90 days. */
export const loadTesting: Check = {
  id: "load-testing",
  title: "Load testing completed",
  source: "production checklist",
  run: ({ loadTest, now }) => {
    if (loadTest === null) return failed("no report of a load test of this stream", WAY_OUT);
    const { file, at, passed } = loadTest;
    if (!passed) return failed(`${file} says that the last load test failed`, WAY_OUT);
    const age = formatDuration(now - at);
    if (now - at > OLDEST_MS) return failed(`the last load test is ${age} old, 90 days are allowed`, WAY_OUT);
    return ok(`passed ${age} ago, ${file}`);
  },
};
