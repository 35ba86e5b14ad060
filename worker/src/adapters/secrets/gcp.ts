import type { Variables } from "../../config/environment.ts";
import type { SecretSource } from "../../ports/secret-source.ts";
import { parseSecret } from "./parse-secret.ts";

const TIMEOUT_MS = 10_000;
const ENDPOINT = "https://secretmanager.googleapis.com";
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";

export interface GcpSecret {
  /** `projects/<project>/secrets/<secret>/versions/<version>` */
  readonly version: string;
  /** Of the secret, where its text is not a JSON object. */
  readonly name: string;
}

interface Answer {
  readonly payload?: { readonly data?: string };
  readonly error?: { readonly status?: string };
}

/**
 * A version of a secret of GCP Secret Manager. Credentials are Google's application default ones; the variable that
 * gcloud has for another endpoint, `CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER`, counts. The client for the
 * credentials is loaded only now.
 */
export async function gcpSource({ version, name }: GcpSecret, env: Variables): Promise<SecretSource> {
  const { GoogleAuth } = await import("google-auth-library");
  // With the project known, nobody looks for it by starting gcloud.
  const projectId = version.split("/")[1] ?? "";
  const auth = new GoogleAuth({ scopes: SCOPE, projectId });
  const endpoint = env.CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER || ENDPOINT;
  let token = "";
  return {
    name: `gcp:${version}`,
    changes: "poll",
    guarded: () => (token === "" ? [] : [token]),
    read: async () => {
      token = (await auth.getAccessToken()) ?? "";
      const response = await fetch(new URL(`/v1/${version}:access`, endpoint), {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const answer = (await response.json().catch(() => ({}))) as Answer;
      const data = answer.payload?.data;
      if (!response.ok || data === undefined)
        throw new Error(`Secret Manager answered ${response.status} ${answer.error?.status ?? ""}`.trimEnd());
      return parseSecret(Buffer.from(data, "base64").toString("utf8"), name);
    },
  };
}
