// An operator's night: letters of several causes, found by group, redriven, stopped, discarded.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { open, sound } from "./console.mjs";
import { start } from "./server.mjs";

const USER = "11111111-1111-4111-8111-111111111111";
/** Letters of each cause, which is the status that their documents' server answers with. */
const CAUSES = { 404: 30, 403: 12, 410: 5 };

/** A server that has none of the documents, and tasks about them that have failed for good. */
async function night(t) {
  const nowhere = createServer((request, response) => response.writeHead(Number(request.url.slice(1, 4))).end()).listen(0, "127.0.0.1");
  await once(nowhere, "listening");
  t.after(() => nowhere.close());
  const server = await start(t, { UNTXT_FETCH_ALLOW_PRIVATE: "true" });
  for (const [status, count] of Object.entries(CAUSES)) {
    for (let one = 0; one < count; one += 1) {
      const url = `http://127.0.0.1:${nowhere.address().port}/${status}`;
      const answer = await fetch(`${server.url}/api/tasks`, {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ userId: USER, url }),
      });
      assert.equal(answer.status, 201);
    }
  }
  return server;
}

for (const phone of [false, true]) {
  test(`letters are found by cause, redriven at a rate, stopped, gone on with and discarded${phone ? ", on a phone" : ""}`, async (t) => {
    const server = await night(t);
    const page = await open(t, { phone });
    await page.goto(`${server.url}/console/#/overview`);
    await page.getByText("47 dead letters wait.").click();
    await page.getByRole("heading", { name: "3 causes" }).waitFor();
    await sound(page, "dead letters");
    assert.deepEqual((await page.locator(".causes-table td.num strong").allTextContents()), ["30", "12", "5"]);

    // The cause of 12 letters is discarded.
    await page.locator(".causes-table tr", { hasText: "403 Forbidden" }).getByRole("link").click();
    await page.getByRole("button", { name: "Discard the 12 that match…" }).click();
    await page.getByText("Discard 12 dead letters?").waitFor();
    await page.getByLabel("Letters per second").fill("");
    await page.getByLabel("Reason").fill("nobody may read them");
    await page.getByLabel("Type 12 to confirm").fill("12");
    await sound(page, "the question before letters are discarded");
    await page.getByRole("button", { name: "Discard 12 dead letters" }).click();
    await page.getByText("12 of 12").waitFor();
    await page.getByText("The letters that it settled").click();
    await page.getByText("Discarded", { exact: true }).first().waitFor();

    // One letter is redriven by itself.
    await page.goto(`${server.url}/console/#/letters`);
    await page.getByRole("heading", { name: "2 causes" }).waitFor();
    await page.locator("section", { hasText: "One by one" }).locator("tbody tr").first().getByRole("link").first().click();
    await page.getByRole("heading", { name: "Dead letter: URL_STATUS" }).waitFor();
    await page.getByText("Attempt 1").waitFor();
    await sound(page, "a dead letter");
    await page.getByRole("button", { name: "Redrive…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Redrive" }).click();
    await page.getByText("Redriven", { exact: true }).waitFor();

    // The others slowly, and stopped on the way.
    await page.goto(`${server.url}/console/#/letters`);
    await page.locator(".causes-table tr", { hasText: "404 Not Found" }).getByRole("link").click();
    const button = page.getByRole("button", { name: /^Redrive the \d+ that match…$/ });
    const total = /\d+/.exec(await button.textContent())[0];
    await button.click();
    await page.getByLabel("Letters per second").fill("2");
    await page.getByLabel(`Type ${total} to confirm`).fill(total);
    await page.getByRole("button", { name: `Redrive ${total} dead letters` }).click();
    await page.getByText("2 a second").waitFor();
    await sound(page, "a redrive");
    await page.getByRole("button", { name: "Stop…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: /Resume with \d+…/ }).click();
    const first = page.url();
    await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
    await page.waitForURL((url) => url.href !== first);
    await page.getByRole("button", { name: "Change the rate…" }).click();
    await page.getByLabel("Letters per second").fill("50");
    await page.getByRole("button", { name: "Change", exact: true }).click();
    await page.getByText("50 a second").waitFor();
    await page.getByText("Ended").waitFor();

    await page.goto(`${server.url}/console/#/redrives`);
    await page.getByRole("region", { name: "Redrives" }).waitFor();
    assert.equal(await page.locator("tbody tr").count(), 3);
    await sound(page, "redrives");
    await page.goto(`${server.url}/console/#/audit`);
    await page.getByText("nobody may read them").first().waitFor();
    await sound(page, "the audit log");
  });
}

test("queues are paused and workers drained, and the overview says which", async (t) => {
  const server = await start(t);
  const page = await open(t);
  await page.goto(`${server.url}/console/#/overview`);
  await page.getByText("All is well.").waitFor();
  await sound(page, "an overview");
  await page.goto(`${server.url}/console/#/queues`);
  await page.locator("tr", { hasText: "webhook" }).getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.locator("tr", { hasText: "webhook" }).getByText("Paused").waitFor();
  await sound(page, "queues");
  await page.getByRole("button", { name: "Limit a tenant…" }).click();
  await page.getByLabel("Tenant: the id of a user").fill(USER);
  await page.getByLabel("Steps at a time").fill("4");
  await sound(page, "limits");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("tr", { hasText: USER }).getByText("4", { exact: true }).waitFor();

  await page.goto(`${server.url}/console/#/workers`);
  await page.getByRole("button", { name: /Drain/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
  await page.getByText("Draining", { exact: true }).waitFor();
  await sound(page, "workers");
  await page.goto(`${server.url}/console/#/overview`);
  await page.getByText("Work stands still.").waitFor();
  await page.getByText("Every worker is drained").waitFor();
  await page.getByText("1 queues and users are paused.").waitFor();

  for (const screen of ["retries", "engines", "keys", "account"]) {
    await page.goto(`${server.url}/console/#/${screen}`);
    await page.locator("h1").waitFor();
    await page.getByText("Loading…").waitFor({ state: "detached" });
    await sound(page, screen);
  }
});
