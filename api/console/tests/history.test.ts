import assert from "node:assert/strict";
import { test } from "node:test";
import { latestError, timeline, type HistoryEvent } from "../src/history.ts";

const at = (second: number) => `2026-11-23T12:34:${String(second).padStart(2, "0")}.000Z`;
const event = (seq: number, name: string, data: object = {}, step?: string): HistoryEvent => ({ seq, at: at(seq), event: name, data, ...(step ? { step } : {}) });

const events = [
  event(1, "submitted"),
  event(2, "started", { step: 1, item: 0, attempt: 1, worker: "w" }, "ocr"),
  event(3, "failed", { step: 1, item: 0, attempt: 1, error: { code: "BUSY", message: "come back" } }, "ocr"),
  event(4, "retry_scheduled", { step: 1, item: 0, attempt: 2, due_at: 1_700_000_000_000 }, "ocr"),
  event(5, "started", { step: 1, item: 0, attempt: 2, worker: "v" }, "ocr"),
  event(6, "succeeded", { step: 1, item: 0, attempt: 2 }, "ocr"),
  event(7, "started", { step: 1, item: 1, attempt: 1, worker: "v" }, "ocr"),
  event(8, "failed", { step: 1, item: 1, attempt: 1, error: { code: "BAD", message: "no" } }, "ocr"),
  event(9, "dead_lettered", { step: 1, item: 1, error: { code: "BAD", message: "no" } }, "ocr"),
  event(10, "run_failed", { code: "BAD", message: "no" }),
];

test("attempts come newest first, each with its end", () => {
  const { attempts, turns } = timeline(events);
  assert.deepEqual(attempts.map((one) => [one.item, one.attempt, one.end, one.dead]), [[1, 1, "failed", true], [0, 2, "succeeded", false], [0, 1, "failed", false]]);
  assert.equal(attempts[2]!.retryAt, "2023-11-14T22:13:20.000Z");
  assert.equal(attempts[1]!.endedAt, at(6));
  assert.deepEqual(turns.map((turn) => turn.words), ["Failed: BAD no", "Accepted"]);
});

test("the latest error is one that no success followed", () => {
  const { attempts } = timeline(events);
  assert.equal(latestError(attempts)!.error!.code, "BAD");
  assert.equal(latestError(timeline(events.slice(0, 6)).attempts), null);
  assert.equal(latestError(timeline(events.slice(0, 3)).attempts)!.error!.code, "BUSY");
});
