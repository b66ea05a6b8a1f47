// What is around every screen: the header, the ways to go, and what the whole page has to say.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { sentence } from "../announce.ts";
import { useCell } from "../cell.ts";
import { useKeys } from "../keys.ts";
import { to } from "../router.ts";
import { may, session } from "../session.ts";
import { setTheme, theme, THEMES, type Theme } from "../theme.ts";
import { Help } from "./help.tsx";
import { Icon } from "./icon.tsx";
import { NoSignIn } from "./no-sign-in.tsx";
import { OutageBar } from "./outage-bar.tsx";

interface Way {
  path: string;
  name: string;
}

const USER: Way[] = [{ path: "documents", name: "Documents" }];

const OPERATOR: Way[] = [
  { path: "overview", name: "Overview" },
  { path: "queues", name: "Queues" },
  { path: "workers", name: "Workers" },
  { path: "retries", name: "Retries" },
  { path: "letters", name: "Dead letters" },
  { path: "engines", name: "Engines" },
];

const ADMIN: Way[] = [{ path: "keys", name: "Keys" }];

export function Shell({ here, children }: { here: string; children: ComponentChildren }) {
  const who = useCell(session);
  const said = useCell(sentence);
  const [help, setHelp] = useState(false);
  useKeys({ "?": () => setHelp(true) });
  const inside = who.state === "in";
  const nav = useRef<HTMLElement>(null);
  // On a narrow window the ways scroll: where one is stays in sight.
  useEffect(() => {
    const current = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (current && nav.current) nav.current.scrollLeft = current.offsetLeft - nav.current.offsetLeft - nav.current.clientWidth / 2 + current.clientWidth / 2;
  }, [here, inside]);
  const operator = inside && may("operate") ? OPERATOR : [];
  const audit: Way[] = inside && may("operate") ? [{ path: "audit", name: "Audit" }] : [];
  const admin = inside && may("admin") ? ADMIN : [];
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>Skip to the content</a>
      <header class="top">
        <a class="brand" href={to("documents")}>
          <img src={icon()} alt="" width="24" height="24" />
          untxt
        </a>
        {inside && (
          <nav aria-label="Screens" ref={nav}>
            <Ways ways={USER} here={here} />
            {operator.length > 0 && <Ways ways={[...operator, ...admin, ...audit]} here={here} label="Operation" />}
          </nav>
        )}
        <div class="top-end">
          {inside && <a class="quiet" href={to("account")} aria-current={here === "account" ? "page" : undefined}>Account</a>}
          <ThemeSwitch />
          <button type="button" class="quiet icon-only" aria-label="Keys and help" title="Keys and help (?)" onClick={() => setHelp(true)}>
            <Icon name="help" />
          </button>
        </div>
      </header>
      <OutageBar />
      {inside && who.me.authentication === "off" && <NoSignIn me={who.me} />}
      <main id="main" tabIndex={-1}>{children}</main>
      <p class="unseen" role="status" aria-live="polite">{said}</p>
      {help && <Help onClose={() => setHelp(false)} />}
    </>
  );
}

/** The icon lies beside the script. */
function icon(): string {
  return document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href ?? "";
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Ways({ ways, here, label }: { ways: Way[]; here: string; label?: string }) {
  return (
    <ul class="ways" aria-label={label}>
      {ways.map((way) => (
        <li key={way.path}>
          <a href={to(way.path)} aria-current={here === way.path ? "page" : undefined}>{way.name}</a>
        </li>
      ))}
    </ul>
  );
}

const NAMES: Record<Theme, string> = { system: "System", light: "Light", dark: "Dark" };

function ThemeSwitch() {
  const now = useCell(theme);
  return (
    <label class="theme">
      <span class="unseen">Colours</span>
      <select value={now} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
        {THEMES.map((name) => <option key={name} value={name}>{NAMES[name]}</option>)}
      </select>
    </label>
  );
}
