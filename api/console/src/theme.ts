// Light, dark, or as the system has it.
import { Cell } from "./cell.ts";
import { remember, remembered } from "./remembered.ts";

export type Theme = "system" | "light" | "dark";
export const THEMES: Theme[] = ["system", "light", "dark"];

export const theme = new Cell<Theme>(remembered<Theme>("theme", "system"));

export function setTheme(next: Theme): void {
  remember("theme", next);
  theme.set(next);
}

function apply(): void {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

theme.watch(apply);
apply();
