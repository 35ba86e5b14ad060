/** Takes PromQL apart, as far as our queries go: which series and labels it names. */

export interface Selector {
  readonly metric: string;
  /** As in `kind=~"a|b"`. */
  readonly matchers: readonly { readonly label: string; readonly op: string; readonly value: string }[];
}

export interface Expression {
  readonly selectors: readonly Selector[];
  /** Labels of `by` and `on`. */
  readonly grouped: readonly string[];
}

/** Words of the language that our queries use. */
const WORDS = new Set(
  "sum max min rate increase deriv histogram_quantile sum_over_time absent time vector by on and or unless".split(
    " ",
  ),
);
const GROUPING = /\b(?:by|on) \(([^)]*)\)/g;
const SELECTOR = /([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^}]*)\})?/g;
const MATCHER = /([a-zA-Z_]+)(=~|!~|!=|=)"([^"]*)"/g;

/** @throws Error for a word that is neither PromQL's nor looks like a metric's name. */
export function takeApart(expr: string): Expression {
  const grouped = [...expr.matchAll(GROUPING)].flatMap(([, labels = ""]) =>
    labels.split(",").map((label) => label.trim()),
  );
  const rest = expr.replaceAll(GROUPING, " ").replaceAll(/\[[^\]]*\]/g, " ");
  const selectors = [...rest.matchAll(SELECTOR)].flatMap(([, metric = "", inside = ""]) => {
    if (WORDS.has(metric)) return [];
    if (!metric.includes("_") && metric !== "up") throw new Error(`unknown word ${metric} in ${expr}`);
    const matchers = [...inside.matchAll(MATCHER)].map(([, label = "", op = "", value = ""]) => ({
      label,
      op,
      value,
    }));
    return [{ metric, matchers }];
  });
  return { selectors, grouped };
}

/** The labels in a legend such as `{{kind}} ({{stream}})`. */
export function legendLabels(legend: string): readonly string[] {
  return [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
}

/** With every alternative of `a|b` in a selector of its own: each must be there. */
export function spelledOut({ metric, matchers }: Selector): readonly string[] {
  const choices = matchers.map(({ label, op, value }) =>
    (op === "=~" ? value.split("|") : [value]).map((one) => `${label}${op}${JSON.stringify(one)}`),
  );
  const combined = choices.reduce<readonly (readonly string[])[]>(
    (found, choice) => found.flatMap((some) => choice.map((one) => [...some, one])),
    [[]],
  );
  return combined.map((parts) => (parts.length === 0 ? metric : `${metric}{${parts.join(",")}}`));
}
