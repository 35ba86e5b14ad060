/** `/openapi.json` and its page, `/docs`: Swagger UI from files of our own, nothing from elsewhere. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PAGE_FILES } from "./page-files.ts";
import type { Server } from "./server.ts";

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // Swagger UI sets styles of single elements.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join("; ");

const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>taskfleet API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

/** The key stays in the page's memory; no validator elsewhere gets to see the document. */
const START = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  validatorUrl: null,
  persistAuthorization: false,
});
`;

/** Beside the bundle's chunks, or in the package. */
function folder(): string {
  const beside = fileURLToPath(new URL("./openapi", import.meta.url));
  return existsSync(beside)
    ? beside
    : dirname(fileURLToPath(import.meta.resolve("swagger-ui-dist/package.json")));
}

export async function addPage(app: Server): Promise<void> {
  const add = (url: string, type: string, body: string | Buffer) =>
    app.get(url, { schema: { hide: true } }, (_request, reply) =>
      reply.headers({ "content-security-policy": POLICY }).type(type).send(body),
    );
  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
  add("/docs", "text/html; charset=utf-8", HTML);
  add("/docs/start.js", "text/javascript; charset=utf-8", START);
  const from = folder();
  for (const { name, type } of PAGE_FILES) add(`/docs/${name}`, type, await readFile(join(from, name)));
}
