// A page's words: where each stands, and the text that they make.
import type { Schemas } from "../client.ts";

export type Page = Schemas["ResultPage"];

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Word {
  /** `block.line.word`, each from 0. */
  id: string;
  text: string;
  /** In parts of the page, from 0 to 1. */
  box: Box;
  confidence: number | null;
}

export interface Line {
  id: string;
  box: Box;
  words: Word[];
  /** Degrees by which the line is turned, clockwise. */
  turned: number;
}

export interface Block {
  role: string;
  lines: Line[];
  table: Schemas["Table"] | null;
}

const PAGE: Box = { x: 0, y: 0, width: 1, height: 1 };

/** The blocks of a page. What has no place of its own has a share of what holds it. */
export function blocksOf(page: Page): Block[] {
  return page.blocks.map((block, b) => ({
    role: block.role,
    table: block.table ?? null,
    lines: block.lines.map((line, l) => {
      const box = line.bounds ?? around(line.words.flatMap((word) => word.bounds ?? [])) ?? row(block.bounds ?? PAGE, l, block.lines.length);
      const letters = line.words.reduce((sum, word) => sum + word.text.length + 1, 0) || 1;
      let before = 0;
      const words = line.words.map((word, w) => {
        const share = { ...box, x: box.x + (box.width * before) / letters, width: (box.width * word.text.length) / letters };
        before += word.text.length + 1;
        return { id: `${b}.${l}.${w}`, text: word.text, box: word.bounds ?? share, confidence: word.confidence ?? null };
      });
      return { id: `${b}.${l}`, box, words, turned: turn(line.corners, page.width, page.height) };
    }),
  }));
}

function row(box: Box, place: number, of: number): Box {
  return { ...box, y: box.y + (box.height * place) / of, height: box.height / of };
}

/** The box around boxes. */
export function around(boxes: Box[]): Box | null {
  if (!boxes.length) return null;
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

function turn(corners: number[][] | undefined, width: number, height: number): number {
  const [from, to] = corners ?? [];
  if (!from || !to) return 0;
  const degrees = (Math.atan2((to[1]! - from[1]!) * height, (to[0]! - from[0]!) * width) * 180) / Math.PI;
  // A scan that lies a little askew is read as it stands.
  return Math.abs(degrees) < 20 ? 0 : degrees;
}

/** The text of a page, as in the format `txt`: a line for each line, an empty one between blocks. */
export function textOf(blocks: Block[]): string {
  return blocks.map((block) => block.lines.map(lineText).join("\n")).join("\n\n");
}

export function lineText(line: Line): string {
  return line.words.map((word) => word.text).join(" ");
}

/** Words that the engine was less sure of than this. */
export function doubtful(blocks: Block[], below: number): Word[] {
  return allWords(blocks).filter((word) => word.confidence !== null && word.confidence < below);
}

export function allWords(blocks: Block[]): Word[] {
  return blocks.flatMap((block) => block.lines.flatMap((line) => line.words));
}

/** What a search found. */
export interface Match {
  page: number;
  block: number;
  line: number;
  first: number;
  last: number;
  text: string;
}

/** The ids of the words of matches on a page. */
export function matchedWords(matches: Match[], page: number): Set<string> {
  const ids = new Set<string>();
  for (const match of matches) {
    if (match.page !== page) continue;
    for (let word = match.first; word <= match.last; word += 1) ids.add(`${match.block}.${match.line}.${word}`);
  }
  return ids;
}

/** The text of a selection in the overlay or the text: that of its text nodes, as they are. */
export function selectedText(within: Node, range: Range): string {
  const walker = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
  let text = "";
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!range.intersectsNode(node)) continue;
    const data = (node as Text).data;
    const from = node === range.startContainer ? range.startOffset : 0;
    const until = node === range.endContainer ? range.endOffset : data.length;
    text += data.slice(from, until);
  }
  return text;
}
