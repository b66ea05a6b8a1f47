// Who comes in, what they see, and how it ends.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, sound } from "./console.mjs";
import { start } from "./server.mjs";

test("a key opens the console, and a revoked one ends it with the reason", async (t) => {
  const server = await start(t, { UNTXT_AUTH: "api-key" });
  const page = await open(t, { allow: [401] });
  const admin = await server.run("keys", "create", "--name", "ann", "--scopes", "admin");
  await page.goto(`${server.url}/`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await sound(page, "signing in");
  await page.getByLabel("API key").fill("untxt_wrong");
  await page.keyboard.press("Enter");
  await page.getByText("UNAUTHENTICATED").waitFor();
  await page.getByLabel("API key").fill(admin);
  await page.keyboard.press("Enter");
  await page.getByText("Drop documents anywhere").waitFor();
  assert.equal(await page.getByText("Sign-in is off").count(), 0);
  // The key is not kept where a script finds it.
  assert.equal(await page.evaluate((key) => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]).includes(key), admin), false);
  await page.reload();
  await page.getByText("Drop documents anywhere").waitFor();

  // A key is made, shown once, and opens a smaller console in another browser.
  await page.getByRole("link", { name: "Keys" }).click();
  await page.getByRole("button", { name: "Create a key…" }).click();
  await page.getByLabel("Name, such as where it is used").fill("reader");
  await page.getByRole("checkbox", { name: /submit/ }).uncheck();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const key = await page.locator(".secret code").textContent();
  await sound(page, "a key shown once");
  await page.getByRole("button", { name: "I have it" }).click();
  assert.equal((await page.content()).includes(key), false);

  const reader = await open(t, { allow: [401] });
  await reader.goto(`${server.url}/`);
  await reader.getByLabel("API key").fill(key);
  await reader.keyboard.press("Enter");
  await reader.getByRole("heading", { name: "Documents" }).waitFor();
  assert.equal(await reader.getByText("Drop documents anywhere").count(), 0, "a reader uploads nothing");
  assert.equal(await reader.getByRole("link", { name: "Dead letters" }).count(), 0);
  await reader.goto(`${server.url}/console/#/keys`);
  await reader.getByText("needs a key or token with the scope admin").waitFor();
  await reader.goto(`${server.url}/console/#/account`);
  await reader.getByText("this one").waitFor();
  await sound(reader, "an account");
  await reader.goto(`${server.url}/console/#/documents`);
  await reader.getByRole("heading", { name: "Documents" }).waitFor();

  await page.locator("tr", { hasText: "reader" }).getByRole("button", { name: /Revoke/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.locator("tr", { hasText: "reader" }).getByText("Revoked").waitFor();
  // Without a click over there: its socket is closed, and the page asks who it is.
  await reader.getByText("You were signed out").waitFor();
  await reader.getByLabel("API key").waitFor();

  // A sign-in that failed at a provider says why.
  await reader.goto(`${server.url}/console/#/sign-in?error=SIGN_IN_DENIED`);
  await reader.reload();
  await reader.getByText("Your organisation refused the sign-in.").waitFor();

  await page.getByRole("link", { name: "Account" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor();
  await page.reload();
  await page.getByLabel("API key").waitFor();
});
