// Names, texts and errors that others made are text, whatever is in them.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { open, sound } from "./console.mjs";
import { start } from "./server.mjs";

const LETTER = await readFile(new URL("../../../examples/documents/letter-scan.png", import.meta.url));
const USER = "11111111-1111-4111-8111-111111111111";
const SCRIPT = "<img src=x onerror=window.hurt=1><script>window.hurt=1</script>.png";
const NAMES = [SCRIPT, "\u202Egnp.exe \u2067שלום\u2069.png", `${"long ".repeat(48)}.png`, `${"x".repeat(240)}.png`, "{{1+1}} ${1} %s.png"];

async function upload(server, name) {
  const form = new FormData();
  form.append("userId", USER);
  form.append("file", new Blob([LETTER], { type: "image/png" }), name);
  const answer = await fetch(`${server.url}/api/tasks`, { method: "POST", body: form });
  assert.equal(answer.status, 201, await answer.clone().text());
  return (await answer.json()).data;
}

for (const phone of [false, true]) {
  test(`hostile names are shown as they are${phone ? ", on a phone" : ""}`, async (t) => {
    const server = await start(t);
    const page = await open(t, { user: USER, phone });
    const made = [];
    for (const name of NAMES) made.push(await upload(server, name));
    await page.goto(`${server.url}/`);
    for (const { filename } of made) await page.locator(".doc-name a", { hasText: filename }).first().waitFor();
    await page.getByText("Done", { exact: true }).nth(NAMES.length - 1).waitFor();
    await sound(page, "hostile names");
    for (const { taskId, filename } of made) {
      await page.goto(`${server.url}/console/#/documents/${taskId}`);
      await page.getByRole("heading", { level: 1, name: filename.replaceAll(/\s+/g, " ").trim() }).waitFor();
      await page.locator(".text [data-word]").first().waitFor();
    }
    await sound(page, "a document with a hostile name");
    assert.equal(await page.evaluate(() => window.hurt), undefined);
  });
}

test("hostile text of a page is text in the picture and beside it", async (t) => {
  const server = await start(t);
  const page = await open(t, { user: USER });
  const { taskId } = await upload(server, "page.png");
  const words = ["<script>window.hurt=1</script>", "\u202Eevil\u202C", "x".repeat(10_000), "שלום", "&amp;", "a\u0301"];
  await page.route(`**/api/tasks/${taskId}/pages/1`, async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    if (!body.success) return route.fulfill({ response: answer });
    const bounds = (place) => ({ x: 0.1, y: 0.1 + place * 0.05, width: 0.5, height: 0.03 });
    body.data.blocks = [{ role: "paragraph", lines: words.map((text, place) => ({ bounds: bounds(place), words: [{ text, bounds: bounds(place) }] })) }];
    return route.fulfill({ response: answer, json: body });
  });
  await page.goto(`${server.url}/console/#/documents/${taskId}`);
  await page.locator(".text [data-word]").first().waitFor();
  assert.deepEqual(await page.locator(".text [data-word]").allTextContents(), words);
  assert.deepEqual(await page.locator(".words [data-word]").allTextContents(), words);
  assert.equal(await page.evaluate(() => window.hurt), undefined);
  await sound(page, "hostile text");
});

test("a page of 4,096 words and a document of 2,000 pages are there in time", async (t) => {
  const server = await start(t);
  const page = await open(t, { user: USER, allow: [404] });
  const { taskId } = await upload(server, "page.png");
  const state = (number) => ({ page: number, status: "completed", attempt: 1, source: "engine", confidence: null, confidenceKind: "none", width: 1240, height: 1754, error: null });
  await page.route(`**/api/tasks/${taskId}/pages?*`, (route) => {
    const after = Number(new URL(route.request().url()).searchParams.get("after"));
    const pages = Array.from({ length: 1000 }, (_, place) => state(after + place + 1));
    return route.fulfill({ json: { success: true, data: { pages, pagesTotal: 2000, next: after ? null : 1000 } } });
  });
  const line = (place) => Array.from({ length: 8 }, (_, word) => ({ text: `word${place}`, bounds: { x: 0.05 + word * 0.11, y: 0.02 + place * 0.0018, width: 0.1, height: 0.0016 } }));
  const blocks = [{ role: "paragraph", lines: Array.from({ length: 512 }, (_, place) => ({ words: line(place) })) }];
  await page.route(`**/api/tasks/${taskId}/pages/*`, (route) => route.fulfill({ json: { success: true, data: {
    index: 0, width: 1240, height: 1754, dpi: 150, status: "recognized", source: "engine", confidenceKind: "none", simulated: false, attempts: 1, fallback: false, blocks,
  } } }));
  const began = Date.now();
  await page.goto(`${server.url}/console/#/documents/${taskId}`);
  await page.locator("[data-word='0.511.7']").last().waitFor({ state: "attached" });
  // Generous: two cores are shared with whatever else runs. A page that stalls takes far longer.
  assert.ok(Date.now() - began < 15_000, `${Date.now() - began} ms`);
  assert.equal(await page.locator(".words tspan").count(), 4096);
  await page.keyboard.press("End");
  await page.waitForURL(/page=2000/);
});
