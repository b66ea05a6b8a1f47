// The keys, and the switch that turns them off.
import { useCell } from "../cell.ts";
import { address } from "../client.ts";
import { keysOn, switchKeys } from "../keys.ts";
import { Dialog } from "./dialog.tsx";

const KEYS: [string, [string, string][]][] = [
  ["Everywhere", [["?", "this list"]]],
  ["Documents", [["u", "choose files"], ["/", "search by name"]]],
  ["A document", [
    ["← →", "previous, next page"],
    ["Home End", "first, last page"],
    ["/", "search in the document"],
    ["Enter", "next match, in the search field"],
    ["n p", "next, previous doubtful word"],
    ["+ − 0", "larger, smaller, whole page"],
    ["w", "as wide as the window"],
    ["b", "boxes around the words"],
    ["t", "text beside the page"],
  ]],
];

export function Help({ onClose }: { onClose: () => void }) {
  const on = useCell(keysOn);
  return (
    <Dialog title="Keys and help" onClose={onClose} wide>
      <div class="help">
        {KEYS.map(([place, keys]) => (
          <section key={place}>
            <h3>{place}</h3>
            <dl class="keys">
              {keys.map(([key, act]) => (
                <div key={key}>
                  <dt>{key.split(" ").map((one) => <kbd key={one}>{one}</kbd>)}</dt>
                  <dd>{act}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input type="checkbox" checked={on} onChange={(event) => switchKeys(event.currentTarget.checked)} />
        Keys of one letter act
      </label>
      <p class="hint">
        Programs do the same through the <a href={address("docs")}>API</a>.
      </p>
      <div class="buttons end">
        <button type="button" class="primary" onClick={onClose}>Close</button>
      </div>
    </Dialog>
  );
}
