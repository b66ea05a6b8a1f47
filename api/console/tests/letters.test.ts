import assert from "node:assert/strict";
import { test } from "node:test";
import { bulkFilter, commandLine, filterWords, letterFilters } from "../src/letters.ts";

test("waiting letters are shown unless the address says otherwise", () => {
  assert.deepEqual(letterFilters({ code: "X", nonsense: "y" }), { state: "waiting", code: "X" });
  assert.deepEqual(letterFilters({ state: "all", step: "ocr" }), { step: "ocr" });
});

test("filters are a sentence and a command", () => {
  const filters = letterFilters({ code: "ENGINE_TRAPPED", tenant: "it's me" });
  assert.equal(filterWords(filters), "that wait, with the code ENGINE_TRAPPED, of the tenant it's me");
  assert.equal(filterWords({}), "in any state");
  assert.deepEqual(bulkFilter(filters), { code: "ENGINE_TRAPPED", tenant: "it's me" });
  assert.equal(
    commandLine("redrive", filters, { rate: 50, reason: "fixed it" }),
    "untxt dead-letters redrive --filter code=ENGINE_TRAPPED --filter 'tenant=it'\\''s me' --rate 50/s --reason 'fixed it'",
  );
  assert.equal(commandLine("discard", { state: "waiting" }, {}), "untxt dead-letters discard --all");
});
