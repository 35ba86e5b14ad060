// Asks name servers, by the system and by itself. Ends with 0 when one answered.
const { lookup, Resolver } = require("node:dns");
lookup("example.com", (error) => {
  if (!error) process.exit(0);
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers(["127.0.0.1"]);
  resolver.resolve4("example.com", (failed) => process.exit(failed ? 1 : 0));
});
