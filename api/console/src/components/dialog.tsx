// A dialog of the browser: it keeps the focus in and gives it back.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
  /** Closed by its buttons only: what it shows is not shown again. */
  firm?: boolean;
}

export function Dialog({ title, onClose, children, wide, firm }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useId();
  // A selection that is dragged out of a field ends outside, too.
  const began = useRef<EventTarget | null>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current!.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault();
        if (!firm) onClose();
      }}
      onPointerDown={(event) => {
        began.current = event.target;
      }}
      onClick={(event) => {
        if (!firm && event.target === dialog.current && began.current === dialog.current) onClose();
      }}
    >
      <div class="dialog-inside">
        <h2 id={name}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
