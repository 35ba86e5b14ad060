/** Files of the package swagger-ui-dist that the page needs; the bundle has them in its folder `openapi`. */
export const PAGE_FILES = [
  { name: "swagger-ui-bundle.js", type: "text/javascript; charset=utf-8" },
  { name: "swagger-ui.css", type: "text/css; charset=utf-8" },
  { name: "favicon-32x32.png", type: "image/png" },
] as const;
