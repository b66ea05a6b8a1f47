// The words over the picture: a `text` for each line and a `tspan` for each word, with a
// space between words and a newline between lines, so that what is selected, copied and
// found is the text. For readers of screens the text beside it is the text.
import { memo } from "preact/compat";
import { fittedSize, honoursTextLength } from "./fit.ts";
import type { Block, Line, Word } from "./words.ts";

interface Props {
  blocks: Block[];
  width: number;
  height: number;
  language?: string | undefined;
}

/** Where the letters stand in their box: above it is the room of accents, below that of descenders. */
const BASELINE = 0.8;
/** A word that is lower than this part of its line's letters is made of dashes or dots. */
const LOW = 0.5;

export const Overlay = memo(function Overlay({ blocks, width, height, language }: Props) {
  const fitted = !honoursTextLength();
  return (
    <g class="words" aria-hidden="true" lang={language}>
      {blocks.map((block, b) => block.lines.map((line, l) => (
        <LineText
          key={line.id}
          line={line}
          width={width}
          height={height}
          fitted={fitted}
          end={l + 1 < block.lines.length ? "\n" : b + 1 < blocks.length ? "\n\n" : "\n"}
        />
      )))}
    </g>
  );
});

interface LineProps {
  line: Line;
  width: number;
  height: number;
  fitted: boolean;
  end: string;
}

function LineText({ line, width, height, fitted, end }: LineProps) {
  const upright = line.turned === 0;
  const size = Math.max(1, (upright ? line.box.height * height : Math.min(line.box.width * width, line.box.height * height)) * 0.9);
  return (
    <text font-size={size}>
      {line.words.map((word, place) => (
        <>
          {place > 0 ? " " : ""}
          <WordText key={word.id} word={word} width={width} height={height} size={size} fitted={fitted} turned={line.turned} />
        </>
      ))}
      {end}
    </text>
  );
}

interface WordProps {
  word: Word;
  width: number;
  height: number;
  size: number;
  fitted: boolean;
  turned: number;
}

function WordText({ word, width, height, size, fitted, turned }: WordProps) {
  const { box } = word;
  const long = Math.max(1, turned === 0 ? box.width * width : Math.max(box.width * width, box.height * height));
  // A dash or a dot stands in the middle of a letter's height, which its own box is not.
  const tall = box.height * height;
  const base = tall < size * LOW ? (box.y + box.height / 2) * height + size * 0.3 : box.y * height + tall * BASELINE;
  const place = { x: round(box.x * width), y: round(base) };
  return fitted ? (
    <tspan {...place} data-word={word.id} font-size={round(Math.min(size * 3, fittedSize(word.text, long)))}>{word.text}</tspan>
  ) : (
    <tspan {...place} data-word={word.id} textLength={round(long)} lengthAdjust="spacingAndGlyphs">{word.text}</tspan>
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
