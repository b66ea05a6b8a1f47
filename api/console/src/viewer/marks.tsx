// Boxes under the words: of the word that is pointed at, of matches, of doubtful words, and
// of all words on a switch.
import type { Word } from "./words.ts";

interface Props {
  words: Word[];
  width: number;
  height: number;
  all: boolean;
  found: Set<string>;
  doubtful: Set<string>;
  active: string | null;
}

export function Marks({ words, width, height, all, found, doubtful, active }: Props) {
  const rect = (word: Word, kind: string) => (
    <rect
      key={`${kind}${word.id}`}
      class={kind}
      x={word.box.x * width}
      y={word.box.y * height}
      width={word.box.width * width}
      height={word.box.height * height}
    />
  );
  return (
    <g class="marks" aria-hidden="true">
      {all && <path class="box" d={words.map((word) => outline(word, width, height)).join("")} />}
      {words.filter((word) => doubtful.has(word.id)).map((word) => (
        <g key={`d${word.id}`}>
          {rect(word, "doubt")}
          <path class="doubt-line" d={`M${word.box.x * width} ${(word.box.y + word.box.height) * height}h${word.box.width * width}`} />
        </g>
      ))}
      {words.filter((word) => found.has(word.id)).map((word) => rect(word, "found"))}
      {words.filter((word) => word.id === active).map((word) => rect(word, "active"))}
    </g>
  );
}

function outline({ box }: Word, width: number, height: number): string {
  const [x, y, w, h] = [box.x * width, box.y * height, box.width * width, box.height * height].map((value) => Math.round(value * 10) / 10);
  return `M${x} ${y}h${w}v${h}h${-w!}z`;
}
