// Everything without a mouse, and the focus where it belongs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, sound } from "./console.mjs";
import { start } from "./server.mjs";

const LETTER = new URL("../../../examples/documents/letter-scan.png", import.meta.url).pathname;

/** Presses Tab until the element has the focus. */
async function tabTo(page, locator) {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await locator.evaluate((element) => element === document.activeElement).catch(() => false)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`no way by Tab to ${locator}`);
}

const focused = (page) => page.evaluate(() => document.activeElement?.textContent?.trim().slice(0, 60));

test("a document is uploaded, opened, searched and erased by keys alone", async (t) => {
  const server = await start(t);
  const page = await open(t);
  await page.goto(`${server.url}/`);
  await page.getByText("Drop documents anywhere").waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Skip to the content");

  await tabTo(page, page.getByRole("button", { name: "Choose files" }));
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
  await chooser.setFiles(LETTER);
  const link = page.getByRole("link", { name: "letter-scan.png" });
  await link.waitFor();
  await tabTo(page, link);
  // The list changes under the focus, which stays.
  await page.locator(".doc").getByText("Done", { exact: true }).waitFor();
  assert.equal(await focused(page), "letter-scan.png");
  // One sentence says the end.
  await page.getByRole("status").filter({ hasText: "letter-scan.png: Done" }).waitFor({ state: "attached" });

  await page.keyboard.press("Enter");
  await page.locator(".text [data-word]").first().waitFor();
  assert.equal(await focused(page), "letter-scan.png", "the heading has the focus");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
  assert.equal(await page.title(), "letter-scan.png · untxt");
  await page.keyboard.press("/");
  await page.keyboard.type("ferry");
  await page.locator(".text .found").first().waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".text .found.active").waitFor();

  await tabTo(page, page.getByLabel("More", { exact: true }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Erase…" }));
  await page.keyboard.press("Enter");
  await page.getByText("Erase this document?").waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("Erase this document?").waitFor({ state: "detached" });
  await page.keyboard.press("?");
  await page.getByText("previous, next page").waitFor();
  await sound(page, "the list of keys");
  // Keys of one letter can be switched off.
  await page.getByLabel("Keys of one letter act").focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  assert.equal(await page.getByRole("dialog").count(), 0);
});
