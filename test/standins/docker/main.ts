/**
 * For tests only: stands in for the provider plugin `docker`, which is on no package registry. It serves `Image` as
 * the real one does (https://www.pulumi.com/registry/packages/docker/api-docs/image), by Docker's command line.
 */
import { provider } from "@pulumi/pulumi";
import { hasUnknown, unwrapProperties } from "../../../components/hosts/raw-values.ts";
import { buildImage, type ImageInputs } from "./image.ts";

const TYPE = "docker:index/image:Image";

function assertImage(urn: string): void {
  const type = urn.split("::")[2]?.split("$").at(-1);
  if (type !== TYPE) throw new Error(`the stand-in of the provider docker has no ${type}, only ${TYPE}`);
}

/** Outputs of the state that are no inputs. */
const FOUND = ["baseImageName", "context", "dockerfile", "platform", "registryServer", "repoDigest"];

function inputsOf(properties: unknown): ImageInputs {
  const entries = Object.entries(unwrapProperties(properties)).filter(([name]) => !FOUND.includes(name));
  return Object.fromEntries(entries.toSorted()) as unknown as ImageInputs;
}

const standIn: provider.Provider = {
  version: "5.2.0",
  async check(urn, _olds, news) {
    assertImage(urn);
    return { inputs: news, failures: [] };
  },
  async diff(_id, _urn, olds, news) {
    if (hasUnknown(news)) return { changes: true };
    return { changes: JSON.stringify(inputsOf(olds)) !== JSON.stringify(inputsOf(news)) };
  },
  async create(_urn, inputs) {
    const outs = buildImage(inputsOf(inputs));
    return { id: outs.repoDigest, outs: { ...inputs, ...outs } };
  },
  async update(_id, _urn, _olds, news) {
    return { outs: { ...news, ...buildImage(inputsOf(news)) } };
  },
  async read(id, _urn, props) {
    return { id, props };
  },
  // As the real one: neither the engine nor the registry loses an image.
  async delete() {},
};

await provider.main(standIn, process.argv.slice(2));
