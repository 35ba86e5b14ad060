import type { ProjectFile } from "../../platform/project-file.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import { REFERENCES } from "../references.ts";
import { compose } from "./compile.ts";
import type { ComposeContext } from "./context.ts";
import { VARIABLE } from "./names.ts";
import { prepareScript } from "./prepare-script.ts";

/** References of our own images, for `.env`. */
export interface OwnImages {
  readonly worker: string;
  readonly watch: string;
  readonly backup: string;
}

/** What a secret of the user's own looks like, until somebody fills it in. */
const EMPTY_SECRETS = "{}";

const ABOUT = `# A taskfleet project for Docker Compose

Written by \`taskfleet render compose\`: the same files as \`pulumi up -s compose\` brings up, without a stack behind them.

\`\`\`bash
# in the repository: the images, once and for each new version
docker build -f worker/Dockerfile --target worker -t taskfleet-worker .
docker build -f worker/Dockerfile --target watch-queue -t taskfleet-watch-queue .
docker build -f worker/Dockerfile --target backup -t taskfleet-backup .
# here
sh prepare.sh
docker compose up -d
\`\`\`

\`prepare.sh\` makes a random password wherever one is missing and writes to \`.env\` what only this host knows. Each
placeholder stands in double braces; what it cannot fill in it names.

| file | what |
| --- | --- |
| \`compose.yaml\` | the services; values that differ by host are in \`.env\` |
| \`.env\` | images, this folder, the engine's socket; \`WORKER_*\` may be added |
| \`secrets/\` | passwords and addresses with one, a file each; the API's first key is \`secrets/api-key\` |
| \`redis/\`, \`postgres/\`, \`observability/\` | the servers' configuration |

\`docker compose up -d --scale worker=16\`, \`docker compose logs -f\`, \`docker compose down\` work as ever; data stays in the
volumes until \`docker compose down --volumes\`.
`;

function envFile(written: string, images: OwnImages): string {
  const values = {
    [VARIABLE.image]: images.worker,
    [VARIABLE.imageTag]: "unknown",
    [VARIABLE.watchImage]: images.watch,
    [VARIABLE.backupImage]: images.backup,
    [VARIABLE.directory]: ".",
    [VARIABLE.socket]: "/var/run/docker.sock",
    [VARIABLE.socketGroup]: "0",
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return [written.trimEnd(), "# prepare.sh writes the digest, and all below the images.", ...lines, ""].join(
    "\n",
  );
}

/** The project's files with placeholders in the places of secrets, and how they are filled in. The same for the same spec. */
export function renderCompose(
  fleet: ResolvedFleet,
  context: ComposeContext,
  images: OwnImages,
): readonly ProjectFile[] {
  const files = compose.compile(fleet, context).files.map((file) => {
    if (file.path === ".env") return { ...file, content: envFile(file.content, images) };
    return { ...file, content: file.content.replaceAll(REFERENCES.handlerSecrets, EMPTY_SECRETS) };
  });
  return [
    ...files,
    { path: "prepare.sh", content: prepareScript(), mode: "0755" },
    { path: "README.md", content: ABOUT, mode: "0644" },
  ];
}
