import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createPulumiProject, type PulumiProject } from "../support/pulumi-project.ts";

const MANIFEST = `
name: sample
runtime: {name: nodejs, options: {typescript: false}}
main: stacks/index.ts
stackConfigDir: settings
options: {refresh: always}
plugins:
  providers:
    - {name: files, path: ./provider}
`;

/** A provider of text files: real things outside Pulumi that can be changed and removed. */
const PROVIDER = `
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { provider } from "@pulumi/pulumi";
interface Inputs { readonly path: string; readonly text: string }
await provider.main({
  version: "0.0.1",
  async check(_urn: string, _olds: Inputs, news: Inputs) {
    const bad = news.text === "" ? [{ property: "text", reason: "text is empty: write something" }] : [];
    return { inputs: news, failures: bad };
  },
  async diff(_id: string, _urn: string, olds: Inputs, news: Inputs) { return { changes: olds.text !== news.text }; },
  async create(_urn: string, inputs: Inputs) {
    writeFileSync(inputs.path, inputs.text);
    return { id: inputs.path, outs: { ...inputs, size: inputs.text.length } };
  },
  async update(_id: string, _urn: string, _olds: Inputs, news: Inputs) {
    writeFileSync(news.path, news.text);
    return { outs: { ...news, size: news.text.length } };
  },
  async read(id: string, _urn: string, props: Inputs) {
    if (!existsSync(id)) return {};
    const text = readFileSync(id, "utf8");
    return { id, props: { ...props, text, size: text.length } };
  },
  async delete(id: string) { rmSync(id, { force: true }); },
} as unknown as provider.Provider, process.argv.slice(2));
`;

/** A program in TypeScript that only type stripping can run as it stands. */
const PROGRAM = `
import { Config, CustomResource, type CustomResourceOptions, type Output } from "@pulumi/pulumi";
class TextFile extends CustomResource {
  declare readonly size: Output<number>;
  constructor(name: string, args: { path: string; text: string }, options?: CustomResourceOptions) {
    super("files:index:TextFile", name, { ...args, size: undefined }, options);
  }
}
const config = new Config();
const text: string = config.require("text");
if (text === "throw") throw new RangeError("text is \\"throw\\": anything else is allowed");
const file = new TextFile("greeting", { path: config.require("path"), text });
export const size = file.size;
export const secret = config.getSecret("secret");
`;

describe("the real engine with the Node.js language host", function () {
  this.timeout(300_000);
  let project: PulumiProject;
  let file: string;
  const secret = ["s3", "cret"].join("");

  before(async () => {
    project = createPulumiProject(MANIFEST);
    file = join(project.folder, "greeting.txt");
    project.write("stacks/index.ts", PROGRAM);
    project.write("provider/PulumiPlugin.yaml", "runtime: nodejs\n");
    project.write(
      "provider/package.json",
      '{"name": "files", "private": true, "type": "module", "main": "entry.cjs"}',
    );
    project.write("provider/entry.cjs", 'module.exports = import("./main.ts");\n');
    project.write("provider/main.ts", PROVIDER);
    await succeed("stack", "init", "dev");
    await succeed("config", "set", "path", file);
    await succeed("config", "set", "text", "hello");
    await succeed("config", "set", "--secret", "secret", secret);
  });

  after(() => project.remove());

  async function succeed(...words: readonly string[]): Promise<string> {
    const { code, output, stdout } = await project.pulumi(...words);
    assert.equal(code, 0, output);
    assert.doesNotMatch(output, /warning/i);
    return stdout;
  }

  async function outputs(...words: readonly string[]): Promise<unknown> {
    return JSON.parse(await succeed("stack", "output", "--json", ...words));
  }

  it("previews without doing anything", async () => {
    assert.match(await succeed("preview"), /\+ {2}files:index:TextFile greeting create/);
    assert.equal(existsSync(file), false);
  });

  it("creates what the program says by the custom provider, and keeps its outputs and secrets", async () => {
    await succeed("up", "--yes", "--skip-preview");
    assert.equal(readFileSync(file, "utf8"), "hello");
    assert.deepEqual(await outputs(), { size: 5, secret: "[secret]" });
    assert.deepEqual(await outputs("--show-secrets"), { size: 5, secret });
  });

  it("does nothing when nothing changed, and updates what did", async () => {
    assert.match(await succeed("up", "--yes", "--skip-preview"), /2 unchanged/);
    await succeed("config", "set", "text", "hello again");
    assert.match(await succeed("up", "--yes", "--skip-preview"), /1 updated/);
    assert.deepEqual(await outputs(), { size: 11, secret: "[secret]" });
  });

  it("sees by refresh that something is gone, and makes it again", async () => {
    rmSync(file);
    assert.match(await succeed("refresh", "--preview-only"), /files:index:TextFile greeting delete/);
    await succeed("up", "--yes", "--skip-preview");
    assert.equal(readFileSync(file, "utf8"), "hello again");
  });

  it("shows the text of an error in the program, and fails", async () => {
    await succeed("config", "set", "text", "throw");
    const { code, output } = await project.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(output, /RangeError: text is "throw": anything else is allowed/);
    assert.match(output, /index\.ts:\d+/);
    assert.equal(readFileSync(file, "utf8"), "hello again");
  });

  it("shows the provider's refusal of an input with the property's name", async () => {
    await succeed("config", "set", "text", "");
    const { code, output } = await project.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(output, /text is empty: write something/);
    await succeed("config", "set", "text", "hello again");
  });

  it("names the host and the program's packages in pulumi about", async () => {
    const about = await succeed("about");
    assert.match(about, /This project is written in nodejs: executable='.*\/node' version='v24\./);
  });

  it("destroys what it created", async () => {
    await succeed("destroy", "--yes", "--skip-preview");
    assert.equal(existsSync(file), false);
    assert.equal(JSON.parse(await succeed("stack", "export")).deployment.resources, undefined);
  });
});

describe("the real engine with dynamic providers and policy packs", function () {
  this.timeout(300_000);
  let project: PulumiProject;

  before(async () => {
    project = createPulumiProject(
      "name: sample\nruntime: {name: nodejs, options: {typescript: false}}\nmain: index.ts\n",
    );
    const program = `
import { dynamic } from "@pulumi/pulumi";
const provider: dynamic.ResourceProvider = { async create(inputs) { return { id: "one", outs: inputs }; } };
class Thing extends dynamic.Resource {
  constructor(name: string, colour: string) { super(provider, name, { colour }); }
}
new Thing("thing", "blue");
`;
    project.write("index.ts", program);
    project.write("policies/PulumiPolicy.yaml", "runtime: nodejs\n");
    project.write(
      "policies/package.json",
      '{"name": "colours", "version": "1.0.0", "private": true, "type": "module", "main": "entry.cjs"}',
    );
    project.write("policies/entry.cjs", 'module.exports = import("./main.ts");\n');
    project.write(
      "policies/main.ts",
      `
import { PolicyPack } from "@pulumi/policy";
new PolicyPack("colours", { policies: [{
  name: "no-blue", description: "Nothing is blue.", enforcementLevel: "mandatory",
  validateResource: ({ props }, report): void => { if (props.colour === "blue") report("it is blue: choose red"); },
}] });
`,
    );
    assert.equal((await project.pulumi("stack", "init", "dev")).code, 0);
  });

  after(() => project.remove());

  it("creates a dynamic resource", async () => {
    const { code, output } = await project.pulumi("up", "--yes", "--skip-preview");
    assert.equal(code, 0, output);
    assert.match(output, /\+ {2}pulumi-nodejs:dynamic:Resource thing created/);
    assert.doesNotMatch(output, /warning/i);
  });

  it("fails on a mandatory policy, with the rule's own text", async () => {
    const { code, output } = await project.pulumi("preview", "--policy-pack", "policies");
    assert.equal(code, 1, output);
    assert.match(output, /it is blue: choose red/);
  });
});
