// Says that the server does not answer, and when it is asked again.
import { useCell } from "../cell.ts";
import { connection, outage } from "../connection.ts";
import { duration } from "../format.ts";
import { useNow } from "./time.tsx";
import { Icon } from "./icon.tsx";

export function OutageBar() {
  const now = useCell(outage);
  return now ? <Bar since={now.since} retryAt={now.retryAt} /> : null;
}

function Bar({ since, retryAt }: { since: number; retryAt: number }) {
  const now = useNow(500);
  const left = Math.ceil((retryAt - now) / 1000);
  return (
    <div class="bar bad" role="alert">
      <Icon name="alert" />
      <p>
        The server does not answer
        <span aria-hidden="true"> since {duration(Math.round((now - since) / 1000) * 1000)}. {left > 0 ? `Asking again in ${left} s.` : "Asking again…"}</span>
      </p>
      <button type="button" onClick={connection.retry}>Try now</button>
    </div>
  );
}
