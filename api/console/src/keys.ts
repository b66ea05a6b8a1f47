// Keys of one letter. They act only where nobody types, and can be switched off.
import { useEffect, useRef } from "preact/hooks";
import { Cell } from "./cell.ts";
import { remember, remembered } from "./remembered.ts";

export const keysOn = new Cell(remembered("keys", true));

export function switchKeys(on: boolean): void {
  remember("keys", on);
  keysOn.set(on);
}

const TYPING = "input, textarea, select, [contenteditable=true]";

/** Whether a key pressed here belongs to the page and not to a field or a dialog. */
function free(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  // With Shift, what moves the caret extends a selection.
  if (event.shiftKey && event.key.length > 1) return false;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest(TYPING)) return false;
  return !document.querySelector("dialog[open]");
}

/** Whether the key scrolls what has the focus, as in a page that is larger than its box. */
function scrolls({ key, target }: KeyboardEvent): boolean {
  if (!(target instanceof Element) || target === document.body) return false;
  if (key === "ArrowLeft" || key === "ArrowRight") return target.scrollWidth > target.clientWidth + 1;
  return (key === "Home" || key === "End") && target.scrollHeight > target.clientHeight + 1;
}

/** Calls what belongs to a key while the component is there. */
export function useKeys(keys: Record<string, (event: KeyboardEvent) => void>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!keysOn.value || !free(event) || scrolls(event)) return;
      const act = latest.current[event.key];
      if (!act) return;
      // Arrows move inside of what has the focus, such as a list of radio buttons.
      event.preventDefault();
      act(event);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
