// How documents are to be recognised, as last chosen in this browser.
import { remember, remembered } from "./remembered.ts";

export interface Options {
  /** Empty: the server's own choice. */
  engine: string;
  languages: string[];
  formats: string[];
  /** Ranges such as `1-3,5`; empty: all. */
  pages: string;
  /** Complete the document without the pages that fail. */
  partial: boolean;
}

const DEFAULT: Options = { engine: "", languages: [], formats: ["txt", "html", "json", "pdf"], pages: "", partial: true };

export function lastOptions(): Options {
  const kept = { ...DEFAULT, ...remembered<Partial<Options>>("options", {}) };
  // Pages belong to one document and are not meant for the next.
  return { ...kept, pages: "", formats: kept.formats.length ? kept.formats : DEFAULT.formats };
}

export function rememberOptions(options: Options): void {
  remember("options", { ...options, pages: "" });
}

/** The fields that the API takes, as JSON. */
export function wishes(options: Options): Record<string, unknown> {
  return {
    ...(options.engine ? { engine: options.engine } : {}),
    ...(options.pages.trim() ? { pages: options.pages.trim() } : {}),
    ...(options.languages.length ? { options: { languages: options.languages } } : {}),
    formats: options.formats,
    onPageFailure: options.partial ? "partial" : "fail",
  };
}

/** The same as fields of a form. */
export function wishesForm(options: Options): [string, string][] {
  return Object.entries(wishes(options)).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(",") : typeof value === "object" ? JSON.stringify(value) : String(value),
  ]);
}
