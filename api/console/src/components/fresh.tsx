// How old what is shown is, and the switch that keeps it from changing.
import { useCell } from "../cell.ts";
import { outage } from "../connection.ts";
import { refreshing, type Data } from "../data.ts";
import { duration } from "../format.ts";
import { useNow } from "./time.tsx";

export function Fresh({ data }: { data: Data<unknown> }) {
  const now = useNow(1000);
  const on = useCell(refreshing);
  const lost = useCell(outage);
  if (data.at === null) return null;
  const age = now - data.at;
  return (
    <div class="fresh small soft">
      <span class={lost ? "stale" : undefined}>{age < 1500 ? "as of now" : `as of ${duration(Math.floor(age / 1000) * 1000)} ago`}</span>
      <button type="button" class="quiet" aria-pressed={!on} onClick={() => refreshing.set(!on)}>Pause refresh</button>
      <button type="button" class="quiet" onClick={data.reload}>Refresh</button>
    </div>
  );
}
