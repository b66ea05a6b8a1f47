// The way through a list by parts.
import { number } from "../format.ts";
import { refine } from "../router.ts";

interface Props {
  pagination: { offset: number; limit: number; total: number; hasMore: boolean };
  shown: number;
}

export function Pager({ pagination, shown }: Props) {
  const { offset, limit, total, hasMore } = pagination;
  return (
    <p class="list-foot soft">
      {number(offset + 1)} to {number(offset + shown)} of {number(total)}
      {offset > 0 && <button type="button" onClick={() => refine({ offset: Math.max(0, offset - limit) || "" })}>Newer</button>}
      {hasMore && <button type="button" onClick={() => refine({ offset: offset + limit })}>Older</button>}
    </p>
  );
}
