// Minutes as bars: done below, failed above. The sums are said, and all of it is a table.
import { exact, number } from "../format.ts";

interface Bar {
  at: string;
  done: number;
  failed: number;
}

const HEIGHT = 60;
const WIDTH = 10;

export function Bars({ bars }: { bars: Bar[] }) {
  const largest = Math.max(1, ...bars.map((bar) => bar.done + bar.failed));
  const sum = (field: "done" | "failed") => bars.reduce((all, bar) => all + bar[field], 0);
  const tall = (count: number) => (count / largest) * HEIGHT;
  return (
    <div class="bars">
      <p class="small soft"><span class="key done" aria-hidden="true" /> {number(sum("done"))} done, <span class="key failed" aria-hidden="true" /> {number(sum("failed"))} failed; at most {number(largest === 1 && !sum("done") && !sum("failed") ? 0 : largest)} in a minute</p>
      <svg viewBox={`0 0 ${bars.length * WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {bars.map((bar, place) => (
          <g key={bar.at}>
            <title>{`${exact(bar.at)}: ${bar.done} done, ${bar.failed} failed`}</title>
            <rect class="room" x={place * WIDTH} width={WIDTH} height={HEIGHT} />
            <rect class="done" x={place * WIDTH + 1} y={HEIGHT - tall(bar.done)} width={WIDTH - 2} height={tall(bar.done)} />
            <rect class="failed" x={place * WIDTH + 1} y={HEIGHT - tall(bar.done) - tall(bar.failed)} width={WIDTH - 2} height={tall(bar.failed)} />
          </g>
        ))}
      </svg>
      <details class="small">
        <summary>As a table</summary>
        <div class="table-box bars-table" tabIndex={0} role="region" aria-label="Tasks ended per minute">
          <table>
            <thead><tr><th scope="col">Minute</th><th scope="col" class="num">Done</th><th scope="col" class="num">Failed</th></tr></thead>
            <tbody>{bars.filter((bar) => bar.done || bar.failed).map((bar) => <tr key={bar.at}><th scope="row">{exact(bar.at)}</th><td class="num">{number(bar.done)}</td><td class="num">{number(bar.failed)}</td></tr>)}</tbody>
          </table>
        </div>
      </details>
    </div>
  );
}
