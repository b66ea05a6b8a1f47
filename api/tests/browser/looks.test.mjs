// Every screen with something on it, light, dark and on a phone: sound, and written as a
// picture to the folder UNTXT_SCREENS, for a person to look at.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { open, sound } from "./console.mjs";
import { start } from "./server.mjs";

const FOLDER = process.env.UNTXT_SCREENS;
const USER = "11111111-1111-4111-8111-111111111111";
const EXAMPLES = new URL("../../../examples/documents/", import.meta.url);

/** A server with documents done, simulated, failed and waiting for a retry. */
async function lived(t) {
  const nowhere = createServer((request, response) => response.writeHead(Number(request.url.slice(1, 4))).end()).listen(0, "127.0.0.1");
  await once(nowhere, "listening");
  t.after(() => nowhere.close());
  const server = await start(t, { UNTXT_FETCH_ALLOW_PRIVATE: "true" });
  const post = async (body, headers = {}) => {
    const answer = await fetch(`${server.url}/api/tasks`, { method: "POST", body, headers });
    assert.equal(answer.status, 201, await answer.clone().text());
    return (await answer.json()).data.taskId;
  };
  const file = async (name, type, fields = {}) => {
    const form = new FormData();
    for (const [field, value] of Object.entries({ userId: USER, formats: "txt,html,json,pdf", ...fields })) form.append(field, value);
    form.append("file", new Blob([await readFile(new URL(name, EXAMPLES))], { type }), name);
    return post(form);
  };
  const url = (status) => post(
    JSON.stringify({ userId: USER, url: `http://127.0.0.1:${nowhere.address().port}/${status}/invoice-${status}.pdf` }),
    { "content-type": "application/json" },
  );
  for (const status of [404, 404, 404, 403, 503]) await url(status);
  const simulated = await file("letter-scan.png", "image/png", { engine: "simulated-qwen3" });
  const handbook = await file("handbook.pdf", "application/pdf");
  const letter = await file("letter-scan.png", "image/png");
  for (const id of [simulated, handbook, letter]) {
    const events = await fetch(`${server.url}/api/tasks/${id}/events`);
    await events.text();
  }
  const { deadLetters } = await server.json("/api/admin/dead-letters");
  const json = { "content-type": "application/json" };
  const { id: redrive } = await server.json("/api/admin/dead-letters/redrive", { method: "POST", headers: json, body: JSON.stringify({ filter: { code: "URL_STATUS" }, rate: 50, reason: "the server is back" }) });
  await server.json("/api/admin/keys", { method: "POST", headers: json, body: JSON.stringify({ name: "the scanner", scopes: ["submit", "read"], expiresIn: 7_776_000 }) });
  return { server, screens: {
    documents: "documents", letter: `documents/${letter}`, "letter-boxes": `documents/${letter}?q=harbour&match=2&word=0.1.1`,
    handbook: `documents/${handbook}?page=4`, simulated: `documents/${simulated}`, history: `documents/${handbook}/history`,
    overview: "overview", queues: "queues", workers: "workers", retries: "retries", letters: "letters?state=all",
    "dead-letter": `letters/${deadLetters[0].id}`, redrives: "redrives", redrive: `redrives/${redrive}`,
    engines: "engines", keys: "keys", audit: "audit", account: "account", nowhere: "nowhere",
  } };
}

test("each screen is sound, light, dark and on a phone", async (t) => {
  const { server, screens } = await lived(t);
  if (FOLDER) await mkdir(FOLDER, { recursive: true });
  for (const [kind, look] of Object.entries({ light: {}, dark: { dark: true }, phone: { phone: true }, "phone-dark": { phone: true, dark: true } })) {
    const page = await open(t, { ...look, user: USER });
    for (const [name, address] of Object.entries(screens)) {
      await page.goto(`${server.url}/console/#/${address}`);
      await page.locator("h1").waitFor();
      await page.locator("[aria-busy=true], .loading").first().waitFor({ state: "detached" });
      if (name !== "handbook" && address.startsWith("documents/") && !address.endsWith("history")) await page.locator(".text [data-word]").first().waitFor();
      await page.locator(".picture img").evaluateAll((images) => Promise.all(images.map((image) => image.decode())));
      await sound(page, `${name}, ${kind}`);
      if (FOLDER) await page.screenshot({ path: join(FOLDER, `${name}-${kind}.png`) });
    }
  }
});
