// Makes each word as wide as its box. Browsers that take `textLength` on a word do it
// themselves; Firefox does not, and has its letters fitted.

let honoured: boolean | undefined;

/** Whether this browser makes a `tspan` as wide as its `textLength` says. */
export function honoursTextLength(): boolean {
  if (honoured !== undefined) return honoured;
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const text = svg.appendChild(document.createElementNS(space, "text"));
  const word = text.appendChild(document.createElementNS(space, "tspan"));
  word.setAttribute("textLength", "500");
  word.setAttribute("lengthAdjust", "spacingAndGlyphs");
  word.textContent = "word";
  svg.setAttribute("class", "probe");
  document.body.append(svg);
  honoured = Math.abs(word.getComputedTextLength() - 500) < 5;
  svg.remove();
  return honoured;
}

let canvas: CanvasRenderingContext2D | null | undefined;
const widths = new Map<string, number>();
/** Distinct words whose width is remembered: those of some dozen pages. */
const WIDTHS_MAX = 20_000;
const SIZE = 100;

/** The font size at which the word is as wide as asked, where `textLength` is not honoured. */
export function fittedSize(word: string, width: number): number {
  canvas ??= document.createElement("canvas").getContext("2d");
  if (!canvas) return width / Math.max(1, word.length) / 0.5;
  let natural = widths.get(word);
  if (natural === undefined) {
    canvas.font = `${SIZE}px sans-serif`;
    natural = canvas.measureText(word).width || 1;
    if (widths.size >= WIDTHS_MAX) widths.clear();
    widths.set(word, natural);
  }
  return (SIZE * width) / natural;
}
