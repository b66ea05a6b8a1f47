import assert from "node:assert/strict";
import { test } from "node:test";
import { blocksOf, doubtful, matchedWords, textOf, type Page } from "../src/viewer/words.ts";

const bounds = { x: 0.1, y: 0.2, width: 0.4, height: 0.1 };
const page = {
  width: 1000, height: 2000,
  blocks: [
    { role: "heading", bounds, lines: [{ bounds, words: [{ text: "Bill" }, { text: "42", confidence: 0.3 }] }] },
    { role: "paragraph", lines: [
      { words: [{ text: "one", bounds, confidence: 0.9 }, { text: "two", bounds: { ...bounds, x: 0.6 }, confidence: 0.5 }] },
      { words: [{ text: "three" }], corners: [[0.5, 0.1], [0.5, 0.4], [0.4, 0.4], [0.4, 0.1]] },
    ] },
  ],
} as unknown as Page;

test("every word has an id and a place, if need be a share of what holds it", () => {
  const [heading, paragraph] = blocksOf(page);
  const [bill, number] = heading!.lines[0]!.words;
  assert.equal(bill!.id, "0.0.0");
  assert.equal(number!.id, "0.0.1");
  // "Bill" takes four of the line's eight letters and gaps.
  assert.deepEqual(bill!.box, { ...bounds, width: 0.2 });
  assert.equal(number!.box.x.toFixed(3), "0.350");
  const line = paragraph!.lines[0]!.box;
  assert.deepEqual([line.x, line.width].map((value) => value.toFixed(2)), ["0.10", "0.90"]);
  assert.deepEqual(paragraph!.lines[1]!.box, { x: 0, y: 0.5, width: 1, height: 0.5 });
});

test("a line that stands upright is told from one that is askew", () => {
  const [heading, paragraph] = blocksOf(page);
  assert.equal(heading!.lines[0]!.turned, 0);
  assert.equal(Math.round(paragraph!.lines[1]!.turned), 90);
});

test("the text is that of the format txt", () => {
  assert.equal(textOf(blocksOf(page)), "Bill 42\n\none two\nthree");
});

test("only words with a confidence are doubtful", () => {
  assert.deepEqual(doubtful(blocksOf(page), 0.6).map((word) => word.text), ["42", "two"]);
});

test("a match marks its words on its page", () => {
  const match = { page: 2, block: 1, line: 0, first: 0, last: 1, text: "one two" };
  assert.deepEqual([...matchedWords([match, { ...match, page: 3, first: 1 }], 2)], ["1.0.0", "1.0.1"]);
});
