import type { Config, Output } from "@pulumi/pulumi";
import { HostError } from "../components/hosts/errors.ts";
import type { ResolvedFleet } from "../components/spec/resolve.ts";
import { OUTSIDE_URLS, type OutsideUrl, outsideProblem } from "../components/targets/outside-urls.ts";

/** The addresses of a database that is not this stack's; `null`: the stack starts one. @throws HostError */
export function outsideUrls(
  config: Config,
  fleet: ResolvedFleet,
): Partial<Record<OutsideUrl, Output<string>>> | null {
  const found = (Object.keys(OUTSIDE_URLS) as OutsideUrl[]).flatMap((name) => {
    const url = config.getSecret(name);
    return url === undefined ? [] : [[name, url] as const];
  });
  const problem = outsideProblem(
    found.map(([name]) => name),
    fleet,
  );
  if (problem !== undefined) throw new HostError(problem);
  return found.length === 0 ? null : Object.fromEntries(found);
}
