// Exits with 0 while the server of this container is alive.
import { readFileSync } from "node:fs";
import { request as openPlain } from "node:http";
import { request as openTls } from "node:https";

const { EET_PORT: port = "5096", EET_TLS_CERT: certPath = "" } = process.env;
const target = { host: "127.0.0.1", port, path: "/healthz", timeout: 2_000 };

/** @returns the status of the answer, or the code of the error */
function ask(open, options) {
  return new Promise((resolve) => {
    const request = open({ ...target, ...options });
    request.on("response", (response) => {
      resolve(response.statusCode);
      response.resume();
    });
    request.on("timeout", () => request.destroy());
    request.on("error", ({ code }) => resolve(code));
    request.end();
  });
}

async function askServer() {
  if (certPath !== "") {
    // The server's own certificate and no other; its names are not those of this machine.
    const ca = readFileSync(certPath);
    return ask(openTls, { ca, allowPartialTrustChain: true, checkServerIdentity: () => undefined });
  }
  const answer = await ask(openPlain, {});
  if (typeof answer === "number" || answer === "ECONNREFUSED") return answer;
  // Something listens and speaks no HTTP: a file in /config has named a certificate. Nothing is told to it.
  return ask(openTls, { rejectUnauthorized: false });
}

const answer = await askServer();
// Where everybody needs a certificate (401), that it answers is enough.
process.exitCode = answer === 200 || answer === 401 ? 0 : 1;
