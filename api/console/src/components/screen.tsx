// A screen: its heading gets the focus when somebody comes here, never on a refresh.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Props {
  title: string;
  /** What the window is called; the heading where it is not given. */
  name?: string;
  children: ComponentChildren;
  /** Beside the heading. */
  side?: ComponentChildren;
  kind?: string;
}

/** The first screen of a visit leaves the focus where the browser has it. */
let first = true;

export function Screen({ title, name, children, side, kind }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${name ?? title} · untxt`;
  }, [name, title]);
  useEffect(() => {
    if (!first) heading.current?.focus({ preventScroll: true });
    first = false;
    scrollTo(0, 0);
  }, []);
  return (
    <div class={`screen ${kind ?? ""}`}>
      <div class="screen-head">
        <h1 ref={heading} tabIndex={-1} dir="auto">{title}</h1>
        {side}
      </div>
      {children}
    </div>
  );
}
