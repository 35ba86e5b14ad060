import { DESCRIPTION, VERSION } from "./about.ts";

/** Options of the plugin that makes the OpenAPI document from the routes' schemas. */
export function openApi() {
  return {
    openapi: {
      openapi: "3.1.0",
      info: { title: "taskfleet", version: VERSION, description: DESCRIPTION },
      servers: [{ url: "/" }],
      components: { securitySchemes: { key: { type: "http", scheme: "bearer" } as const } },
    },
  };
}
