/** What scripts say on the channel of sessions' news. Pure. */

export type News =
  | { readonly type: "events"; readonly tags: readonly string[] }
  | { readonly type: "taken"; readonly tag: string; readonly holder: string }
  | {
      readonly type: "progress";
      readonly tags: readonly string[];
      readonly id: string;
      readonly done: number;
      readonly note: string;
    };

export function parseNews(text: string): News {
  if (text.startsWith("!")) {
    const [tag = "", holder = ""] = text.slice(1).split(" ");
    return { type: "taken", tag, holder };
  }
  if (!text.startsWith("{")) return { type: "events", tags: text.split(" ") };
  const { to, ...progress } = JSON.parse(text) as { to: string; id: string; done: number; note: string };
  return { type: "progress", tags: to.trim().split(" "), ...progress };
}
