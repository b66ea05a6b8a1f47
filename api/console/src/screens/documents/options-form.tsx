// How the next documents are to be recognised.
import type { Engines } from "../../engines.ts";
import type { Options } from "../../options.ts";
import { ALL_FORMATS, formatWord } from "../../words.ts";

interface Props {
  options: Options;
  engines: Engines | null;
  onChange: (options: Options) => void;
}

const languageNames = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

function languageName(code: string): string {
  try {
    return languageNames.of(code) ?? code;
  } catch {
    return code;
  }
}

export function OptionsForm({ options, engines, onChange }: Props) {
  const set = (what: Partial<Options>) => onChange({ ...options, ...what });
  const engine = engines?.engines.find((one) => one.name === (options.engine || engines.default));
  const languages = engine?.languages ?? [];
  return (
    <div class="options">
      {engines && engines.engines.length > 0 && (
        <label class="field">
          <span>Engine</span>
          <select value={options.engine} onChange={(event) => set({ engine: event.currentTarget.value, languages: [] })}>
            <option value="">{engines.default} (the server's choice)</option>
            {engines.engines.filter((one) => one.name !== engines.default).map((one) => (
              <option key={one.name} value={one.name}>{one.name}{one.simulated ? " (simulated)" : ""}</option>
            ))}
          </select>
          {engine?.description && <span class="hint">{engine.description}</span>}
        </label>
      )}
      <label class="field">
        <span>Pages</span>
        <input value={options.pages} placeholder="all, or such as 1-3,5" pattern="\s*\d+(\s*-\s*\d+)?(\s*,\s*\d+(\s*-\s*\d+)?)*\s*" onInput={(event) => set({ pages: event.currentTarget.value })} />
      </label>
      {languages.length > 1 && (
        <fieldset>
          <legend>Languages of the text</legend>
          <div class="checks">
            {languages.map((code) => (
              <Check key={code} checked={options.languages.includes(code)} onChange={(on) => set({ languages: toggled(options.languages, code, on) })}>
                {languageName(code)}
              </Check>
            ))}
          </div>
        </fieldset>
      )}
      <fieldset class="wide">
        <legend>Formats of the result</legend>
        <div class="checks">
          {ALL_FORMATS.map((format) => (
            <Check
              key={format}
              checked={options.formats.includes(format)}
              disabled={options.formats.length === 1 && options.formats[0] === format}
              onChange={(on) => set({ formats: ALL_FORMATS.filter((one) => (one === format ? on : options.formats.includes(one))) })}
            >
              {formatWord(format)}
            </Check>
          ))}
        </div>
      </fieldset>
      <div class="wide">
        <Check checked={options.partial} onChange={(partial) => set({ partial })}>
          If pages fail, complete the document without them
        </Check>
      </div>
    </div>
  );
}

function toggled(list: string[], one: string, on: boolean): string[] {
  return on ? [...list, one] : list.filter((other) => other !== one);
}

interface CheckProps {
  checked: boolean;
  disabled?: boolean;
  onChange: (on: boolean) => void;
  children: preact.ComponentChildren;
}

function Check({ checked, disabled, onChange, children }: CheckProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} disabled={disabled} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{children}</span>
    </label>
  );
}
