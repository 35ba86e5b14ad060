import { provider } from "@pulumi/pulumi";
import { hostProvider } from "./provider.ts";

await provider.main(hostProvider, process.argv.slice(2));
