// Where the page is: everything behind `#`, so that each address works below any path.
import { useEffect, useState } from "preact/hooks";

/** A place: the parts of the path, and what is behind the question mark. */
export interface Place {
  parts: string[];
  query: Record<string, string>;
}

/** Values of a query; empty ones are left out of the address. */
export type Query = Record<string, string | number | boolean | null | undefined>;

export function parse(hash: string): Place {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const parts = path.split("/").filter(Boolean).map(decode);
  return { parts, query: Object.fromEntries(new URLSearchParams(search)) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a place. */
export function to(parts: string | string[], query: Query = {}): string {
  const path = (typeof parts === "string" ? parts.split("/") : parts).map(encodeURIComponent).join("/");
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "" && value !== false) search.set(name, String(value));
  }
  const text = search.toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}

/** Goes to a place; the way back leads to where the page was. */
export function go(address: string): void {
  location.hash = address;
}

/** Goes to a place that stands for this one: the way back leads past it. */
export function replace(address: string): void {
  history.replaceState(null, "", address);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Changes the query of this place without a step in the history. */
export function refine(query: Query): void {
  const place = parse(location.hash);
  const address = to(place.parts, { ...place.query, ...query });
  if (address === location.hash) return;
  replace(address);
}

export function usePlace(): Place {
  const [hash, setHash] = useState(() => location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parse(hash);
}
