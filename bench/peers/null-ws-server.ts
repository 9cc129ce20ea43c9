// The floor of what a server on `ws` costs: takes every message, counts it, and forgets it.
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

let frameCount = 0;
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket) => {
  let isHandshake = true;
  socket.on("message", () => {
    if (isHandshake) isHandshake = false;
    else frameCount += 1;
  });
});
server.on("listening", () => process.send?.((server.address() as AddressInfo).port));
process.on("message", () => {
  for (const socket of server.clients) socket.terminate();
  server.close(() => process.send?.(frameCount));
});
