// Files on their way: what happens to them when something is in the way.
import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { drop, open } from "./console.mjs";
import { proxy } from "./proxy.mjs";
import { start } from "./server.mjs";

const letter = await readFile(new URL("../../../examples/documents/letter-scan.png", import.meta.url));
const USER = "11111111-1111-4111-8111-111111111111";

async function tasks(server) {
  return (await server.json(`/api/tasks?userId=${USER}`)).tasks;
}

/** A letter of this size: what follows the picture is not part of it. */
function padded(bytes) {
  return Buffer.concat([letter, Buffer.alloc(bytes - letter.length)]);
}

test("a large file goes to the store directly, and becomes one document", async (t) => {
  const server = await start(t, { UNTXT_AUTH: "off" });
  const page = await open(t, { user: USER });
  const puts = [];
  page.on("request", (request) => request.method() === "PUT" && puts.push(new URL(request.url()).pathname));
  await page.goto(`${server.url}/console/`);
  const path = join(tmpdir(), `untxt-large-${process.pid}.png`);
  await writeFile(path, padded(9 * 1024 * 1024));
  t.after(() => rm(path, { force: true }));
  await page.locator("input[type=file]").first().setInputFiles(path);
  await page.getByRole("link", { name: /untxt-large/ }).waitFor();
  assert.equal(puts.length, 1);
  assert.equal((await tasks(server)).length, 1);
});

test("behind a proxy whose address the store does not know, a large file goes through the API", async (t) => {
  const server = await start(t, { UNTXT_AUTH: "off" });
  const outside = await proxy(t, server, { prefix: "/ocr" });
  const page = await open(t, { user: USER });
  await page.goto(`${outside}/console/`);
  const path = join(tmpdir(), `untxt-proxied-${process.pid}.png`);
  await writeFile(path, padded(9 * 1024 * 1024));
  t.after(() => rm(path, { force: true }));
  await page.locator("input[type=file]").first().setInputFiles(path);
  await page.getByRole("link", { name: /untxt-proxied/ }).waitFor();
  assert.equal((await tasks(server)).length, 1);
});

test("a file that can't be read any more is given up, and the others go on", async (t) => {
  const server = await start(t, { UNTXT_AUTH: "off" });
  const page = await open(t, { user: USER, allow: ["offline"] });
  await page.goto(`${server.url}/console/`);
  const path = join(tmpdir(), `untxt-gone-${process.pid}.png`);
  await writeFile(path, letter);
  t.after(() => rm(path, { force: true }));
  // It is gone before it is read.
  await page.evaluate(() => {
    const { arrayBuffer } = Blob.prototype;
    window.gone = new Promise((done) => (window.go = done));
    Blob.prototype.arrayBuffer = async function () {
      await window.gone;
      return arrayBuffer.call(this);
    };
  });
  await page.locator("input[type=file]").first().setInputFiles(path);
  await page.getByText(path.split("/").at(-1)).first().waitFor();
  await rm(path);
  await page.evaluate(() => window.go());
  await page.getByText("refused").first().waitFor();
  await drop(page, [{ name: "letter.png", type: "image/png", bytes: letter }]);
  await page.getByRole("link", { name: /letter\.png/ }).waitFor();
  assert.equal((await tasks(server)).length, 1);
});

test("a server that stays down after “Ask now” is asked again by itself", async (t) => {
  const server = await start(t, { UNTXT_AUTH: "off" });
  const page = await open(t, { user: USER, allow: ["offline"] });
  await page.goto(`${server.url}/console/`);
  await page.getByRole("heading", { name: "Documents" }).waitFor();
  await server.stop("SIGKILL");
  const ask = page.getByRole("button", { name: "Ask now" });
  await ask.waitFor();
  const asked = page.waitForEvent("requestfailed");
  await ask.click();
  await asked;
  await server.begin();
  await ask.waitFor({ state: "detached" });
  await drop(page, [{ name: "letter.png", type: "image/png", bytes: letter }]);
  await page.getByRole("link", { name: /letter\.png/ }).waitFor();
});

test("what one person chose is not shown to the next", async (t) => {
  const server = await start(t, { UNTXT_AUTH: "api-key" });
  const keys = [];
  for (const name of ["Ada", "Bea"]) keys.push(JSON.parse(await server.run("keys", "create", "--name", name, "--json")).key);
  const page = await open(t, { allow: [400, 401, 415] });
  const signIn = async (key) => {
    await page.getByLabel("API key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Documents" }).waitFor();
  };
  await page.goto(`${server.url}/console/`);
  await signIn(keys[0]);
  await drop(page, [{ name: "notes.png", type: "image/png", bytes: Buffer.from("not a picture") }]);
  await page.getByText("notes.png").first().waitFor();
  await page.goto(`${server.url}/console/#/account`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(`${server.url}/console/#/documents`);
  await signIn(keys[1]);
  assert.equal(await page.getByText("notes.png").count(), 0);
});

test("a file dropped where nothing takes it is not opened in place of the console", async (t) => {
  const server = await start(t, { UNTXT_AUTH: "off" });
  const page = await open(t, { user: USER });
  await page.goto(`${server.url}/console/#/account`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  const taken = await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["text"], "letter.txt"));
    const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer });
    document.querySelector("main").dispatchEvent(event);
    return event.defaultPrevented;
  });
  assert.ok(taken);
});
