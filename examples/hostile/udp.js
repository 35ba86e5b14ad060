// Sends a datagram. Ends with 0 when it could.
const { createSocket } = require("node:dgram");
const socket = createSocket("udp4").on("error", () => process.exit(1));
socket.send("here", Number(process.env.UDP_PORT ?? 53), "127.0.0.1", (error) => process.exit(error ? 1 : 0));
