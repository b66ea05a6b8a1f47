import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, to } from "../src/router.ts";

test("an address leads back to the place that it was made of", () => {
  const address = to(["documents", "a b/c?d"], { q: "50 % & more", status: "", page: 3, all: false });
  assert.equal(address, "#/documents/a%20b%2Fc%3Fd?q=50+%25+%26+more&page=3");
  assert.deepEqual(parse(address), { parts: ["documents", "a b/c?d"], query: { q: "50 % & more", page: "3" } });
});

test("any address is a place", () => {
  assert.deepEqual(parse(""), { parts: [], query: {} });
  assert.deepEqual(parse("#/"), { parts: [], query: {} });
  assert.deepEqual(parse("#/documents/%E0%A4%A"), { parts: ["documents", "%E0%A4%A"], query: {} });
  assert.deepEqual(parse("#/letters?code=A?B"), { parts: ["letters"], query: { code: "A?B" } });
});
