// A value that components read and that anything may change.
import { useEffect, useState } from "preact/hooks";

export class Cell<T> {
  #value: T;
  #readers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const read of [...this.#readers]) read();
  }

  watch(read: () => void): () => void {
    this.#readers.add(read);
    return () => this.#readers.delete(read);
  }
}

/** The cell's value, and a new drawing whenever it changes. */
export function useCell<T>(cell: Cell<T>): T {
  const [value, setValue] = useState(() => cell.value);
  useEffect(() => {
    const read = () => setValue(() => cell.value);
    read();
    return cell.watch(read);
  }, [cell]);
  return value;
}
