/** Secrets of the environment, each as `<NAME>` or in the file that `<NAME>_FILE` names. */
import type { Variables } from "../../config/environment.ts";
import { namesOf } from "../../core/rotation.ts";
import { isSecretName, SHORTEST_SECRET } from "../../core/secret-scan.ts";
import type { SecretSource } from "../../ports/secret-source.ts";
import { readSecretFile } from "./read-file.ts";
import { watchFiles } from "./watch-file.ts";

/** An inherited descriptor can be read once; the settings did. */
const DESCRIPTOR = /^\/dev\/fd\//;

type Place = { readonly value: string } | { readonly file: string };

/** Gives the names that it is asked for, from the first of these environments that has the variable or its file. */
export class EnvironmentSource implements SecretSource {
  readonly name = "the environment";
  readonly #environments: readonly Variables[];
  readonly #names = new Set<string>();

  constructor(environments: readonly Variables[]) {
    this.#environments = environments;
  }

  get changes(): "never" | "watch" {
    return this.#files().length === 0 ? "never" : "watch";
  }

  need(names: readonly string[]): void {
    for (const name of names.flatMap(namesOf)) this.#names.add(name);
  }

  async read(): Promise<ReadonlyMap<string, string>> {
    const found = await Promise.all(
      [...this.#names].map(async (name): Promise<[string, string][]> => {
        const place = this.#place(name);
        if (place === undefined) return [];
        if ("value" in place) return [[name, place.value]];
        return [[name, (await readSecretFile(place.file)).replace(/\r?\n$/, "")]];
      }),
    );
    return new Map(found.flat());
  }

  watch(changed: () => void): () => void {
    return watchFiles(this.#files(), changed);
  }

  /** All that looks like a secret by its name, asked for or not. */
  guarded(): readonly string[] {
    return this.#environments
      .flatMap((environment) => Object.entries(environment))
      .filter(([name]) => isSecretName(name))
      .map(([, value]) => value ?? "")
      .filter((value) => value.length >= SHORTEST_SECRET);
  }

  #files(): readonly string[] {
    return [...this.#names].flatMap((name) => {
      const place = this.#place(name);
      return place !== undefined && "file" in place ? [place.file] : [];
    });
  }

  #place(name: string): Place | undefined {
    for (const environment of this.#environments) {
      const value = environment[name] || undefined;
      if (value !== undefined) return { value };
      const file = environment[`${name}_FILE`] || undefined;
      if (file !== undefined && !DESCRIPTOR.test(file)) return { file };
    }
    return undefined;
  }
}
