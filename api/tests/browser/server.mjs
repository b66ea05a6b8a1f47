// The real program, started as a person starts it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const BIN = process.env.UNTXT_BIN;
if (!BIN) throw new Error("set UNTXT_BIN to the program `untxt`");

/** What closes the windows of a test: they go before their server does. */
export const windows = new WeakMap();

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** A server with a data directory of its own. Both end with the test. */
export async function start(t, settings = {}) {
  const home = await mkdtemp(join(tmpdir(), "untxt-browser-"));
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    UNTXT_DATA_DIR: join(home, "data"),
    UNTXT_LISTEN: `127.0.0.1:${await freePort()}`,
    ...settings,
  };
  const server = new Server(env);
  t.after(async () => {
    for (const close of windows.get(t) ?? []) await close();
    await server.stop("SIGKILL");
    await rm(home, { recursive: true, force: true });
  });
  await server.begin();
  return server;
}

class Server {
  constructor(env) {
    this.env = env;
    this.url = `http://${env.UNTXT_LISTEN}`;
  }

  async begin() {
    this.child = spawn(BIN, ["serve"], { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
    this.log = [];
    createInterface(this.child.stderr).on("line", (line) => {
      this.log.push(line);
      if (this.log.length > 200) this.log.shift();
    });
    const lines = createInterface(this.child.stdout);
    const ended = once(this.child, "exit").then(() => {
      throw new Error(`the server ended:\n${this.log.join("\n")}`);
    });
    // Only its end before it listens is a failure.
    ended.catch(() => {});
    const listening = (async () => {
      for await (const line of lines) if (line.startsWith("listening on ")) return;
    })();
    await Promise.race([listening, ended]);
  }

  async stop(signal = "SIGTERM") {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  /** Runs another command of the program on the same data. */
  async run(...args) {
    const child = spawn(BIN, args, { env: this.env, stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (data) => (out += data));
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`untxt ${args.join(" ")} ended with ${code}`);
    return out.trim();
  }

  async json(path, options) {
    const answer = await fetch(this.url + path, options);
    return (await answer.json()).data;
  }
}
