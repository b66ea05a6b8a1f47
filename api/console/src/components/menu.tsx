// A button with further acts behind it.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Props {
  label: ComponentChildren;
  name?: string;
  kind?: string;
  children: ComponentChildren;
}

export function Menu({ label, name, kind, children }: Props) {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const away = (event: Event) => {
      if (menu.current?.open && !menu.current.contains(event.target as Node)) menu.current.open = false;
    };
    addEventListener("pointerdown", away);
    addEventListener("focusin", away);
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("focusin", away);
    };
  }, []);
  return (
    <details
      ref={menu}
      class="menu"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !menu.current?.open) return;
        menu.current.open = false;
        menu.current.querySelector("summary")?.focus();
      }}
    >
      <summary class={`button ${kind ?? ""}`} aria-label={name} title={name}>{label}</summary>
      <div class="menu-items" onClick={(event) => {
        if ((event.target as Element).closest("a, button")) menu.current!.open = false;
      }}>
        {children}
      </div>
    </details>
  );
}
