import type { SecretSource } from "../../ports/secret-source.ts";
import { parseSecret } from "./parse-secret.ts";

const TIMEOUT_MS = 10_000;

export interface AwsSecret {
  /** Name or ARN. */
  readonly id: string;
  /** "": that of the environment. */
  readonly region: string;
  /** Of the secret, where its text is not a JSON object. */
  readonly name: string;
}

/**
 * A secret of AWS Secrets Manager. Credentials, region and endpoint come from where AWS' clients look for them; its
 * client is loaded only now.
 */
export async function awsSource({ id, region, name }: AwsSecret): Promise<SecretSource> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient({
    ...(region === "" ? {} : { region }),
    requestHandler: { connectionTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS },
  });
  return {
    name: `aws:${id}`,
    changes: "poll",
    read: async () => {
      const { SecretString: text, SecretBinary: bytes } = await client.send(
        new GetSecretValueCommand({ SecretId: id }),
      );
      return parseSecret(text ?? Buffer.from(bytes ?? []).toString("utf8"), name);
    },
  };
}
