import { Server, ServerCredentials } from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import { languageRuntime } from "./language-runtime.ts";

/**
 * `pulumi-language-nodejs`: serves Pulumi's LanguageRuntime on a loopback port, printed on the first
 * line of stdout. The engine stops it; if the engine itself dies, it ends by itself.
 */
const server = new Server({
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
});
server.addService(LanguageRuntimeService, languageRuntime);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) {
    console.error(`pulumi-language-nodejs cannot listen on 127.0.0.1: ${error.message}`);
    process.exit(1);
  }
  console.log(String(port));
});

// A killed engine cannot tell its plugins to stop, but they then get another parent.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(0);
}, 1000).unref();
