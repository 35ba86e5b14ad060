import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate authority of its own, and a server's certificate that it signed. Paths of PEM files. */
export interface Authority {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  remove(): void;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];

/** `host`: the only name of the server in its certificate. Needs `openssl`. */
export function authority(host: string): Authority {
  const folder = mkdtempSync(join(tmpdir(), "authority-"));
  const at = (name: string) => join(folder, name);
  const openssl = (...words: readonly string[]) => execFileSync("openssl", words, { stdio: "pipe" });
  openssl("req", "-x509", ...KEY, "-keyout", at("ca.key"), "-out", at("ca.pem"), "-subj", "/CN=authority");
  const own = ["-keyout", at("server.key"), "-out", at("server.pem"), "-subj", "/CN=server"];
  const signed = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-addext", `subjectAltName=DNS:${host}`];
  openssl("req", "-x509", ...KEY, ...own, ...signed, "-addext", "basicConstraints=critical,CA:FALSE");
  return {
    ...{ ca: at("ca.pem"), certificate: at("server.pem"), key: at("server.key") },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
