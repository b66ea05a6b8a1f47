// How documents are shown, as last chosen in this browser.
import { Cell } from "../cell.ts";
import { remember, remembered } from "../remembered.ts";
import type { Zoom } from "./page-picture.tsx";

export interface View {
  boxes: boolean;
  text: boolean;
  doubtful: boolean;
  /** Words with a smaller confidence are doubtful. */
  below: number;
  zoom: Zoom;
}

const DEFAULT: View = { boxes: false, text: true, doubtful: false, below: 0.6, zoom: "width" };

export const view = new Cell<View>({ ...DEFAULT, ...remembered<Partial<View>>("view", {}) });

export function look(what: Partial<View>): void {
  const next = { ...view.value, ...what };
  remember("view", next);
  view.set(next);
}
