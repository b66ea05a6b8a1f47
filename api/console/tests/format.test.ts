import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, bytes, count, duration, until } from "../src/format.ts";
import { backoff } from "../src/connection.ts";

test("spans of time", () => {
  const cases: [number, string][] = [
    [0, "0.0 s"], [440, "0.4 s"], [9_949, "9.9 s"], [9_960, "10 s"], [59_600, "1 min"], [61_000, "1 min 1 s"],
    [3_599_600, "1 h"], [7_800_000, "2 h 10 min"], [86_400_000, "1 day"], [400_000_000, "4 days"], [-5, "0.0 s"],
  ];
  for (const [ms, words] of cases) assert.equal(duration(ms), words, String(ms));
});

test("times before and after now", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  assert.equal(ago(now - 3_000, now), "just now");
  assert.equal(ago(now - 200_000, now), "3 min ago");
  assert.equal(ago(now - 4 * 3_600_000, now), "08:00");
  assert.equal(ago("2026-11-20T07:05:00Z", now), "Nov 20, 07:05");
  assert.equal(ago("2025-11-20T07:05:00Z", now), "Nov 20, 2025, 07:05");
  assert.equal(until(now + 12_000, now), "in 12 s");
  assert.equal(until(now - 1, now), "now");
});

test("amounts", () => {
  assert.equal(bytes(999), "999 bytes");
  assert.equal(bytes(1), "1 byte");
  assert.equal(bytes(62_400), "62 kB");
  assert.equal(bytes(8_400_000), "8.4 MB");
  assert.equal(count(1, "page"), "1 page");
  assert.equal(count(12_345, "page"), "12,345 pages");
});

test("waits for the server grow to half a minute and no further", () => {
  assert.deepEqual([1, 2, 3, 5, 6, 60].map(backoff), [1_000, 2_000, 4_000, 16_000, 30_000, 30_000]);
});
