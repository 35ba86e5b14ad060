// Takes memory and uses it, 16 MiB at a time.
const held = [];
setInterval(() => held.push(Buffer.alloc(16 * 1024 * 1024, 1)), 5);
