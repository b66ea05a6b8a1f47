// Dialogs are not closed by accident.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, sound } from "./console.mjs";
import { start } from "./server.mjs";

const USER = "11111111-1111-4111-8111-111111111111";

test("a new key stays on the screen until somebody says that they have it", async (t) => {
  const server = await start(t, { UNTXT_AUTH: "off" });
  const page = await open(t, { user: USER });
  await page.goto(`${server.url}/console/#/keys`);
  await page.getByRole("button", { name: "Create a key…" }).click();
  const dialog = page.getByRole("dialog");
  const name = dialog.getByLabel("Name");
  await name.fill("scanner");

  // Selecting the field's text out to the left ends on what is behind the dialog.
  const box = await name.boundingBox();
  await page.mouse.move(box.x + 30, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(5, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  assert.equal(await name.inputValue(), "scanner");

  await dialog.getByRole("button", { name: "Create" }).click();
  const made = page.getByRole("dialog", { name: "The key, shown this once" });
  await made.waitFor();
  await sound(page, "a new key");
  await page.mouse.click(5, 5);
  await page.keyboard.press("Escape");
  assert.match(await made.locator("code").innerText(), /^untxt_/);
  await made.getByRole("button", { name: "I have it" }).click();
  await made.waitFor({ state: "detached" });
  await page.getByRole("rowheader", { name: "scanner" }).waitFor();
});
