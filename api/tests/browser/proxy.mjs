// A proxy in front of the server: it strips a path, or passes no WebSockets.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";

export async function proxy(t, server, { prefix = "", sockets = true } = {}) {
  const target = new URL(server.url);
  const sockets_ = new Set();
  const own = http.createServer((request, response) => {
    if (!request.url.startsWith(`${prefix}/`)) {
      response.writeHead(404).end("not here");
      return;
    }
    const path = request.url.slice(prefix.length);
    const headers = { ...request.headers };
    const passed = http.request({ host: target.hostname, port: target.port, method: request.method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.headersSent ? response.destroy() : response.writeHead(502).end());
    request.pipe(passed);
  });
  own.on("upgrade", (request, socket, head) => {
    sockets_.add(socket);
    socket.on("error", () => {});
    if (!sockets || !request.url.startsWith(`${prefix}/`)) {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    const behind = net.connect(target.port, target.hostname, () => {
      const lines = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      behind.write(`GET ${request.url.slice(prefix.length)} HTTP/1.1\r\n${lines}\r\n`);
      behind.write(head);
      socket.pipe(behind).pipe(socket);
    });
    sockets_.add(behind);
    behind.on("error", () => socket.destroy());
  });
  own.listen(0, "127.0.0.1");
  await once(own, "listening");
  t.after(() => {
    for (const socket of sockets_) socket.destroy();
    own.closeAllConnections();
    own.close();
  });
  return `http://127.0.0.1:${own.address().port}${prefix}`;
}
