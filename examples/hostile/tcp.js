// Connects and listens. Ends with 0 when it could do either.
const net = require("node:net");
const got = () => process.exit(0);
net
  .createServer()
  .on("error", () => {})
  .listen(0, "127.0.0.1", got);
const port = Number(process.env.TCP_PORT ?? 6379);
for (const host of ["127.0.0.1", "::1", "169.254.169.254"])
  net.connect({ host, port }, got).on("error", () => {});
setTimeout(() => process.exit(1), 100);
