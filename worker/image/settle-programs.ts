/** Gives a folder of programs the same modes and times in every build: `node worker/image/settle-programs.ts DIR`. */
import { settle } from "./settle.ts";

const [, , out] = process.argv;
if (out === undefined) throw new Error("usage: node worker/image/settle-programs.ts DIR");
settle(out, () => true);
