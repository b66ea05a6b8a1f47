import assert from "node:assert/strict";
import { test } from "node:test";
import { applyUpdate, filterQuery, filtersOf, mergeHead, mergeTail, type Task } from "../src/tasks.ts";

const task = (id: string, at: number, more: Partial<Task> = {}): Task =>
  ({ taskId: id, createdAt: `2026-11-23T12:34:${String(at).padStart(2, "0")}.000Z`, status: "queued", step: null, progress: { pagesDone: 0, pagesTotal: 1 }, ...more }) as Task;
const ids = (list: Task[]) => list.map((one) => one.taskId).join("");

test("filters stand in the address as they are asked of the API", () => {
  const filters = filtersOf({ status: "failed,nonsense,queued", q: "letter", engine: "reader" });
  assert.deepEqual(filters.status, ["queued", "failed"]);
  assert.deepEqual(filterQuery(filters), { status: "queued,failed", q: "letter", engine: "reader" });
  assert.deepEqual(filtersOf(filterQuery(filters)), filters);
  assert.deepEqual(filtersOf({}), { status: [], q: "", engine: "" });
});

test("the first part replaces what it reaches over, and the rest stays", () => {
  const list = [task("d", 40), task("c", 30), task("b", 20), task("a", 10)];
  // c was erased, e is new.
  const head = [task("e", 50), task("d", 40), task("b", 20)];
  assert.equal(ids(mergeHead(list, head, false)), "edba");
  assert.equal(ids(mergeHead(list, head, true)), "edb");
  assert.equal(ids(mergeHead(list, [], true)), "");
});

test("a task comes once, also if it moved between two parts", () => {
  assert.equal(ids(mergeTail([task("c", 30), task("b", 20)], [task("b", 20), task("a", 10)])), "cba");
});

test("an update changes its task alone", () => {
  const list = [task("b", 20), task("a", 10)];
  const changed = applyUpdate(list, { taskId: "a", status: "processing", step: "ocr", progress: { pagesDone: 1, pagesTotal: 2 }, seq: 5, message: "" });
  assert.equal(changed[0], list[0]);
  assert.equal(changed[1]!.status, "processing");
  assert.deepEqual(changed[1]!.progress, { pagesDone: 1, pagesTotal: 2 });
});
