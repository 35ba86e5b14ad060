// Pulumi's plugin runner loads the entry by require() under ts-node, which refuses .mts files and modules
// with top-level await; import() leaves them to Node's own type stripping.
module.exports = import("./main.ts");
