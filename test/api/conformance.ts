/** Answers against the API's own OpenAPI document. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { PROBLEM_TYPE, PROBLEMS, type ProblemSlug, problemUrn } from "../../worker/contract/api.ts";

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Problems that Node or the router answers before there is a route. */
const WITHOUT_ROUTE: readonly number[] = [404, 405, 431];

export class Conformance {
  readonly #ajv = new Ajv2020({ strict: false });
  readonly #compiled = new Map<object, ValidateFunction>();
  readonly #routes: readonly {
    readonly pattern: RegExp;
    readonly operations: Readonly<Record<string, Operation>>;
  }[];

  constructor({ paths }: OpenApiDocument) {
    this.#routes = Object.entries(paths)
      // `/api/runs/counts` before `/api/runs/{id}`.
      .sort(([a], [b]) => Number(a.includes("{")) - Number(b.includes("{")))
      .map(([path, operations]) => ({
        pattern: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`),
        operations,
      }));
  }

  /** Throws when the answer is not one that the document has for the request. */
  check(method: string, path: string, status: number, type: string, body: unknown): void {
    const what = `${method} ${path}: ${status}`;
    if (method === "HEAD") return;
    if (type === PROBLEM_TYPE) checkProblem(what, status, body);
    const [plain = ""] = path.split("?");
    const operation = this.#routes.find(({ pattern }) => pattern.test(plain))?.operations[
      method.toLowerCase()
    ];
    if (operation === undefined) {
      const isOurs = plain.startsWith("/api/") || plain.startsWith("/health");
      if (isOurs && !WITHOUT_ROUTE.includes(status))
        throw new Error(`${what}: the document has no such operation`);
      return;
    }
    const [media = ""] = type.split(";");
    const schema = operation.responses[status]?.content?.[media]?.schema;
    if (schema === undefined) throw new Error(`${what} ${media}: the document has no such answer`);
    const validate = this.#compiled.get(schema) ?? this.#ajv.compile(schema);
    this.#compiled.set(schema, validate);
    if (!validate(body))
      throw new Error(`${what}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`);
  }
}

function checkProblem(what: string, status: number, body: unknown): void {
  const { type, title, status: told, detail, instance } = body as Record<string, unknown>;
  const slug = (Object.keys(PROBLEMS) as ProblemSlug[]).find((one) => problemUrn(one) === type);
  const known = slug === undefined ? undefined : PROBLEMS[slug];
  const fits = known?.status === status && known.title === title && told === status;
  if (!fits || typeof detail !== "string" || !/^[0-9a-f-]{36}$/.test(String(instance)))
    throw new Error(`${what}: no problem of the contract: ${JSON.stringify(body)}`);
}
