// What was fetched, or that it is being fetched, or why not.
import type { ComponentChildren } from "preact";
import type { Data } from "../data.ts";
import { Problem } from "./problem.tsx";

export function Loaded<T>({ data, children }: { data: Data<T>; children: (value: T) => ComponentChildren }) {
  return (
    <>
      {data.error && <Problem error={data.error} retry={data.reload} />}
      {data.value !== null ? children(data.value) : !data.error && <p class="loading" aria-busy="true">Loading…</p>}
    </>
  );
}
