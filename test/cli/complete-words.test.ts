import assert from "node:assert/strict";
import { Argument, Command, Option } from "commander";
import { completeWords, completionLines } from "../../worker/contract/completion.ts";

const program = new Command("p").option("-q, --quiet", "say less");
program
  .command("push")
  .summary("push tasks")
  .argument("[kind]")
  .argument("[file...]")
  .option("-k, --kind <kind>", "which")
  .option("--kin", "a switch")
  .option("--tag <tag...>", "many")
  .addOption(new Option("--secret", "none of your business").hideHelp());
const queue = program.command("queue").summary("the queue");
queue
  .command("purge")
  .description("take tasks out")
  .addArgument(new Argument("<state>").choices(["waiting", "dead"]));
queue.command("pause").description("stop");

const words = (...begun: readonly string[]) => {
  const wanted = completeWords(program, begun);
  return wanted.type === "words" ? wanted.suggestions.map(({ word }) => word) : wanted;
};
const value = (of: string, begun = "", before = "", choices: readonly string[] = []) => ({
  type: "value",
  of,
  choices,
  before,
  begun,
});

describe("what may stand next on a command line", () => {
  it("commands, by what is begun of them; also behind help", () => {
    assert.deepEqual(words(), ["push", "queue"]);
    assert.deepEqual(words(""), ["push", "queue"]);
    assert.deepEqual(words("qu"), ["queue"]);
    assert.deepEqual(words("queue", "p"), ["purge", "pause"]);
    assert.deepEqual(words("help", "queue", "pu"), ["purge"]);
    assert.deepEqual(words("-q", "pu"), ["push"]);
    assert.deepEqual(words("nobody", ""), []);
  });

  it("options of the command that stands there, none twice but those that may, hidden ones never", () => {
    assert.deepEqual(words("-"), ["--quiet", "--help"]);
    assert.deepEqual(words("push", "--"), ["--kind", "--kin", "--tag", "--help"]);
    assert.deepEqual(words("push", "-k", "x", "--tag", "a", "--"), ["--kin", "--tag", "--help"]);
    assert.deepEqual(words("push", "--kind=x", "--k"), ["--kin"]);
  });

  it("the value of an option, behind it or in the same word", () => {
    assert.deepEqual(words("push", "--kind", "wo"), value("kind", "wo"));
    assert.deepEqual(words("push", "-k", ""), value("kind"));
    assert.deepEqual(words("push", "--kind=wo"), value("kind", "wo", "--kind="));
    assert.deepEqual(words("push", "--kind", "-x"), value("kind", "-x"));
    assert.deepEqual(words("push", "--kin", ""), value("kind"));
  });

  it("arguments in their order, the last one again and again when it may be, also behind --", () => {
    assert.deepEqual(words("push", ""), value("kind"));
    assert.deepEqual(words("push", "--kind", "x", "a", "b", "c"), value("file", "c"));
    assert.deepEqual(words("push", "--", "-x"), value("kind", "-x"));
    assert.deepEqual(words("push", "-", ""), value("file"));
    assert.deepEqual(words("queue", "purge", "w"), value("state", "w", "", ["waiting", "dead"]));
    assert.deepEqual(words("queue", "purge", "waiting", ""), []);
  });

  it("lines hold a word and its meaning; sources give values, and one that fails gives none", async () => {
    const sources = {
      kind: async () => ["word-count", "sleep"],
      file: ":files",
      tag: () => Promise.reject(new Error("gone")),
    } as const;
    const lines = (...begun: readonly string[]) => completionLines(program, begun, sources);
    assert.deepEqual(await lines("queue", ""), ["purge\ttake tasks out", "pause\tstop"]);
    assert.deepEqual(await lines("push", "--kind=s"), ["--kind=sleep\t"]);
    assert.deepEqual(await lines("push", "x", ""), [":files"]);
    assert.deepEqual(await lines("queue", "purge", "d"), ["dead\t"]);
    assert.deepEqual(await lines("push", "--tag", ""), []);
  });
});
