// The text of a page, for reading and for readers of screens.
import type { ComponentChildren } from "preact";
import { memo } from "preact/compat";
import type { Block, Line } from "./words.ts";

interface Props {
  blocks: Block[];
  language?: string | undefined;
  found: Set<string>;
  doubtful: Set<string>;
}

export const TextPane = memo(function TextPane({ blocks, language, found, doubtful }: Props) {
  const kind = (id: string) => [found.has(id) ? "found" : "", doubtful.has(id) ? "doubt" : ""].join(" ").trim() || undefined;
  return (
    <div class="text" lang={language} dir="auto">
      {blocks.map((block, b) => <BlockText key={b} block={block} kind={kind} />)}
    </div>
  );
});

interface BlockProps {
  block: Block;
  kind: (id: string) => string | undefined;
}

function BlockText({ block, kind }: BlockProps) {
  const line = (one: Line): ComponentChildren => one.words.map((word, place) => (
    <>
      {place > 0 ? " " : ""}
      <span key={word.id} data-word={word.id} class={kind(word.id)}>{word.text}</span>
    </>
  ));
  if (block.table) return <TableText block={block} line={line} />;
  const lines = block.lines.map((one) => <span key={one.id} class="line">{line(one)}{"\n"}</span>);
  switch (block.role) {
    case "heading": return <h3 dir="auto">{lines}</h3>;
    case "list": return <ul class="text-list">{block.lines.map((one) => <li key={one.id} dir="auto">{line(one)}</li>)}</ul>;
    case "caption": return <p class="caption" dir="auto">{lines}</p>;
    default: return <p dir="auto">{lines}</p>;
  }
}

function TableText({ block, line }: { block: Block; line: (one: Line) => ComponentChildren }) {
  const table = block.table!;
  const rows = Array.from({ length: table.rows }, (_, row) => table.cells.filter((cell) => cell.row === row).sort((one, other) => one.column - other.column));
  return (
    <div class="text-table" tabIndex={0} role="region" aria-label="Table">
      <table>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell) => {
                const Cell = cell.header ? "th" : "td";
                return (
                  <Cell key={cell.column} colSpan={cell.columnSpan} rowSpan={cell.rowSpan}>
                    {cell.lines.map((place) => {
                      const one = block.lines[place];
                      return one && <span key={place} class="line">{line(one)}{"\n"}</span>;
                    })}
                  </Cell>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
