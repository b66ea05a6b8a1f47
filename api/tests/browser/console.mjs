// The console in a browser that fails the test on whatever should never happen: an error in
// the console, a breach of the policy, a request to another host, a page wider than its
// window, a finding of axe.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { windows } from "./server.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

let browser;
after(async () => browser?.close());

/** Opens a window. `allow` lists statuses of refused requests that belong to the test. */
export async function open(t, { phone = false, dark = false, allow = [], user } = {}) {
  browser ??= await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  const context = await browser.newContext({
    viewport: phone ? { width: 360, height: 740 } : { width: 1280, height: 850 },
    isMobile: phone,
    hasTouch: phone,
    colorScheme: dark ? "dark" : "light",
    permissions: ["clipboard-read", "clipboard-write"],
    locale: "en-GB",
    timezoneId: "UTC",
  });
  if (user) await context.addInitScript((id) => localStorage.setItem("untxt.user", JSON.stringify(id)), user);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  // From the beginning: a chooser that opens before somebody listens is the system's.
  page.on("filechooser", () => {});
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error in the page: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const text = message.text();
    const status = /the server responded with a status of (\d+)/.exec(text)?.[1];
    if (status && allow.includes(Number(status))) return;
    // A server that is down, or a socket that is not let through, in the tests about it.
    if (allow.includes("offline") && /net::ERR_|WebSocket connection/.test(text)) return;
    wrong.push(`${message.type()} in the console: ${text} ${message.location().url}`);
  });
  let home;
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol === "blob:" || url.protocol === "data:") return;
    home ??= url.host;
    if (url.host !== home) wrong.push(`request to another host: ${request.url()}`);
  });
  windows.set(t, [...(windows.get(t) ?? []), () => context.close()]);
  t.after(async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  });
  return page;
}

/** Nothing is wider than the window, and axe finds nothing. */
export async function sound(page, where) {
  const wide = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return null;
    const outside = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > clientWidth + 1);
    return `${scrollWidth} of ${clientWidth}: ${outside.slice(0, 5).map((one) => one.outerHTML.slice(0, 120)).join("\n")}`;
  });
  assert.equal(wide, null, `${where} is wider than its window`);
  // By the browser's own interface, which the page's policy does not stop.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const found = await page.evaluate(async (values) => {
    const { violations } = await window.axe.run(document, { runOnly: { type: "tag", values } });
    const node = (one) => `${one.html.slice(0, 200)} ${one.failureSummary}`;
    return violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map(node).join(" | ")}`);
  }, RULES);
  assert.deepEqual(found, [], where);
}

/** Drops files on the page, as from a folder. */
export async function drop(page, files) {
  const data = await page.evaluateHandle((parts) => {
    const transfer = new DataTransfer();
    for (const { name, type, bytes } of parts) {
      transfer.items.add(new File([Uint8Array.from(atob(bytes), (char) => char.charCodeAt(0))], name, { type }));
    }
    return transfer;
  }, files.map(({ name, type, bytes }) => ({ name, type, bytes: Buffer.from(bytes).toString("base64") })));
  for (const kind of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("main", kind, { dataTransfer: data });
}
