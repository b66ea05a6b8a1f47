// The list stays true whatever happens to the server and to the way there.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { drop, open, sound } from "./console.mjs";
import { proxy } from "./proxy.mjs";
import { start } from "./server.mjs";

const LETTER = await readFile(new URL("../../../examples/documents/letter-scan.png", import.meta.url));
const letters = (names) => names.map((name) => ({ name, type: "image/png", bytes: LETTER }));
const NAMES = ["one.png", "two.png", "three.png", "four.png", "five.png", "six.png"];

test("a server that is killed and started again leaves the list right and nothing twice", async (t) => {
  const server = await start(t);
  const page = await open(t, { allow: [502, "offline"] });
  await page.goto(`${server.url}/`);
  await page.getByText("Drop documents anywhere").waitFor();
  await drop(page, letters(NAMES));
  await page.locator(".doc").first().waitFor();
  await server.stop("SIGKILL");
  await page.getByText("The server does not answer").waitFor();
  // More can be dropped meanwhile: they wait.
  await drop(page, letters(["seven.png"]));
  await page.getByText("goes on when the server answers").first().waitFor();
  await sound(page, "an outage");
  await server.begin();
  for (const name of [...NAMES, "seven.png"]) {
    const rows = page.locator(".doc", { hasText: name });
    await rows.getByText("Done", { exact: true }).waitFor({ timeout: 90_000 });
    assert.equal(await rows.count(), 1, name);
  }
  await page.getByText("The server does not answer").waitFor({ state: "detached" });
  const user = JSON.parse(await page.evaluate(() => localStorage.getItem("untxt.user")));
  const { tasks } = await server.json(`/api/tasks?userId=${user}`);
  assert.equal(tasks.length, 7, "documents on the server");
});

test("without WebSockets the list is asked for, and says so", async (t) => {
  const server = await start(t);
  const url = await proxy(t, server, { sockets: false });
  const page = await open(t, { allow: ["offline", 403] });
  await page.goto(`${url}/`);
  await page.getByText("does not pass WebSockets").waitFor();
  await drop(page, letters(["letter.png"]));
  await page.locator(".doc", { hasText: "letter.png" }).getByText("Done", { exact: true }).waitFor();
  await sound(page, "polling");
});

test("below a path that a proxy strips, everything works unconfigured", async (t) => {
  const server = await start(t);
  const url = await proxy(t, server, { prefix: "/ocr" });
  const page = await open(t);
  const outside = [];
  page.on("request", (request) => new URL(request.url()).pathname.startsWith("/ocr/") || outside.push(request.url()));
  await page.goto(`${url}/`);
  await page.waitForURL(`${url}/console/#/documents`);
  await drop(page, letters(["letter.png"]));
  await page.locator(".doc", { hasText: "letter.png" }).getByText("Done", { exact: true }).waitFor();
  await page.getByRole("link", { name: "letter.png" }).click();
  await page.locator(".text [data-word]").first().waitFor();
  assert.ok(await page.locator(".picture img").evaluate(async (image) => {
    await image.decode();
    return image.naturalWidth > 0;
  }));
  await page.getByText("Download", { exact: true }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Plain text" }).click()]);
  assert.match(await readFile(await download.path(), "utf8"), /Harbour Street Archive/);
  assert.deepEqual(outside, []);
});

test("two tabs show the same, and neither is asked to reload", async (t) => {
  const server = await start(t);
  const user = "11111111-1111-4111-8111-111111111111";
  const one = await open(t, { user });
  const two = await open(t, { user });
  for (const page of [one, two]) {
    await page.goto(`${server.url}/`);
    await page.getByText("Drop documents anywhere").waitFor();
  }
  await drop(one, letters(["shared.png"]));
  await two.locator(".doc", { hasText: "shared.png" }).getByText("Done", { exact: true }).waitFor();
  const row = two.locator(".doc", { hasText: "shared.png" });
  await row.getByLabel("Acts on shared.png").click();
  await row.getByRole("button", { name: "Erase…" }).click();
  await two.getByRole("dialog").getByRole("button", { name: "Erase" }).click();
  await one.locator(".doc", { hasText: "shared.png" }).waitFor({ state: "detached" });
});
