// A document from the drop to the download.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { drop, open, sound } from "./console.mjs";
import { start } from "./server.mjs";

const LETTER = new URL("../../../examples/documents/letter-scan.png", import.meta.url);
const HANDBOOK = new URL("../../../examples/documents/handbook.pdf", import.meta.url);

/** The sample letter, dropped and recognised; its document's screen. */
async function letter(page, server) {
  await page.goto(`${server.url}/`);
  await page.getByText("Drop documents anywhere").waitFor();
  await drop(page, [{ name: "letter-scan.png", type: "image/png", bytes: await readFile(LETTER) }]);
  await page.locator(".doc", { hasText: "letter-scan.png" }).getByText("Done", { exact: true }).waitFor();
  await page.getByRole("link", { name: "letter-scan.png" }).click();
  await page.locator(".text [data-word]").first().waitFor();
  return page.url().match(/documents\/([\w-]+)/)[1];
}

/** What a copy of the selection puts on the clipboard. */
async function copied(page) {
  await page.keyboard.press("Control+c");
  return page.evaluate(() => navigator.clipboard.readText());
}

test("a dropped letter stands as text beside its picture", async (t) => {
  const server = await start(t);
  const page = await open(t);
  const id = await letter(page, server);
  await sound(page, "a document");
  assert.equal(new URL(page.url()).pathname, "/console/");

  // Each word lies on ink: the darkest pixel in its box is dark.
  await page.locator(".picture img").evaluate((image) => image.decode());
  const pale = await page.evaluate(async () => {
    const shown = document.querySelector(".picture img");
    // As large as it was scanned: thin strokes are pale in a small picture.
    const image = new Image();
    image.src = shown.src.replace(/width=\d+/, "width=2400");
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const picture = shown.getBoundingClientRect();
    const scale = image.naturalWidth / picture.width;
    const words = [...document.querySelectorAll(".words tspan")];
    const bare = words.filter((word) => {
      const box = word.getBoundingClientRect();
      // Without the rim, which belongs to the neighbours above and below.
      const x = Math.round((box.left - picture.left) * scale);
      const y = Math.round((box.top - picture.top + box.height * 0.2) * scale);
      const { data } = context.getImageData(x, y, Math.max(2, Math.round(box.width * scale)), Math.max(2, Math.round(box.height * 0.65 * scale)));
      let darkest = 255;
      for (let at = 0; at < data.length; at += 4) darkest = Math.min(darkest, data[at]);
      return darkest > 140;
    });
    return { words: words.length, bare: bare.map((word) => word.textContent) };
  });
  assert.ok(pale.words > 150, `${pale.words} words`);
  assert.deepEqual(pale.bare, [], "words that lie beside the ink");

  // What is selected over the picture and copied is the text, to the letter.
  const txt = await (await fetch(`${server.url}/api/tasks/${id}/result/content?format=txt`)).text();
  await page.evaluate(() => getSelection().selectAllChildren(document.querySelector(".words")));
  assert.equal((await copied(page)).trim(), txt.trim());
  await page.getByRole("button", { name: "Copy text" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal((await page.evaluate(() => navigator.clipboard.readText())).trim(), txt.trim());

  // A drag from line to line selects what lies between, and the browser's own search finds phrases.
  const { from, to } = await page.evaluate(() => {
    const middle = (word) => {
      const box = word.getBoundingClientRect();
      return [box.left + 2, box.top + box.height / 2];
    };
    const words = [...document.querySelectorAll(".words tspan")];
    return { from: middle(words.find((word) => word.textContent === "eleven")), to: middle(words.find((word) => word.textContent === "Last")) };
  });
  // A press on what is selected would drag it.
  await page.evaluate(() => getSelection().empty());
  await page.mouse.move(...from);
  await page.mouse.down();
  await page.mouse.move(...to, { steps: 8 });
  await page.mouse.up();
  assert.match(await copied(page), /^e?leven years our volunteers have copied the registers of the old ferry office\nby hand\. L?$/);
  assert.ok(await page.evaluate(() => window.find("Reading Circle")));

  // What is downloaded is what the API gives.
  await page.getByText("Download", { exact: true }).click();
  for (const [name, path] of [["Plain text", "result/content?format=txt"], ["Searchable PDF", "result/content?format=pdf"], ["The document as it was uploaded", "original"]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).click()]);
    const wanted = Buffer.from(await (await fetch(`${server.url}/api/tasks/${id}/${path}`)).arrayBuffer());
    assert.ok(wanted.equals(await readFile(await download.path())), name);
    await page.getByText("Download", { exact: true }).click();
  }
});

test("pointing at a word marks it on both sides, and a search in all pages", async (t) => {
  const server = await start(t);
  const page = await open(t);
  await letter(page, server);
  await page.locator(".text [data-word='0.0.1']").hover();
  await page.locator(".marks .active").waitFor();
  await page.locator(".words [data-word='0.0.0']").hover();
  await page.locator(".text [data-word='0.0.0'].active").waitFor();

  await page.keyboard.press("b");
  await page.locator(".marks .box").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("harbour");
  await page.getByText("3 matches").waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("1 of 3").waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("2 of 3").waitFor();
  assert.equal(await page.locator(".marks .found").count(), await page.locator(".text .found").count());
  assert.match(page.url(), /q=harbour/);
  // The address alone leads to the same place.
  await page.reload();
  await page.getByText("2 of 3").waitFor();
  await page.locator(".text .found").first().waitFor();
  await sound(page, "a search");
});

test("a document of many pages is leafed through by strip, key and address", async (t) => {
  const server = await start(t);
  const page = await open(t);
  await page.goto(`${server.url}/`);
  await page.setInputFiles("input.files", HANDBOOK.pathname);
  await page.getByRole("link", { name: "handbook.pdf" }).click();
  // Pages are there while others are still read.
  await page.locator(".text [data-word]").first().waitFor();
  await page.keyboard.press("ArrowRight");
  await page.getByText("Contents", { exact: true }).first().waitFor();
  assert.match(page.url(), /page=2/);
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: /^Page 4( |$)/ }).click();
  await page.waitForURL(/page=4/);
  await page.keyboard.press("End");
  await page.waitForURL(/page=134/);
  await page.getByText("Done", { exact: true }).waitFor();
  await sound(page, "a document of 134 pages");
});

test("a large file goes to the store directly, refused files say why, and documents are acted on", async (t) => {
  const server = await start(t);
  const page = await open(t, { allow: [400, 415, 422] });
  await page.goto(`${server.url}/`);
  await page.getByText("Drop documents anywhere").waitFor();
  // Beyond 8 MiB: bytes after a PDF's end are nobody's.
  const large = Buffer.concat([await readFile(HANDBOOK), Buffer.alloc(9 * 1024 * 1024, "%\n")]);
  const puts = [];
  page.on("request", (request) => request.method() === "PUT" && puts.push(request.url()));
  await drop(page, [
    { name: "large.pdf", type: "application/pdf", bytes: large },
    { name: "not.pdf", type: "application/pdf", bytes: Buffer.from("no PDF at all") },
  ]);
  await page.getByText("DOCUMENT_UNSUPPORTED_TYPE").waitFor();
  await sound(page, "a refused file");
  await page.locator(".doc", { hasText: "large.pdf" }).waitFor();
  assert.equal(puts.length, 1);
  await page.getByRole("button", { name: "Clear the refused ones" }).click();
  await page.getByText("DOCUMENT_UNSUPPORTED_TYPE").waitFor({ state: "detached" });

  await page.locator(".doc", { hasText: "large.pdf" }).getByText("Done", { exact: true }).waitFor();
  await page.getByText("All that match…").click();
  await page.getByRole("button", { name: "Erase all…" }).click();
  await page.getByText("Erase 1 document?").waitFor();
  await sound(page, "the question before all are erased");
  // Nothing happens before the number is typed.
  await page.getByRole("button", { name: "Erase 1 document" }).click({ force: true });
  await page.getByLabel("Type 1 to confirm").fill("1");
  await page.getByRole("button", { name: "Erase 1 document" }).click();
  await page.getByText("Erase: done").waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByText("There are no documents yet").waitFor();
});
