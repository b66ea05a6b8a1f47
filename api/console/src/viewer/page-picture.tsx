// The picture of a page with its words over it. Zooming makes it larger in a box that
// scrolls; pinching and selecting are the browser's own.
import { useEffect, useRef, useState } from "preact/hooks";
import { connection } from "../connection.ts";
import { selectedText, type Block, type Word } from "./words.ts";
import { Marks } from "./marks.tsx";
import { Overlay } from "./overlay.tsx";

/** How large the page is: as wide as its box, wholly in it, or a multiple of as wide. */
export type Zoom = "width" | "page" | number;

export const ZOOM_MIN = 0.25;
export const ZOOM_MAX = 6;

/** The widths in which the server gives pictures. */
const WIDTHS = [400, 900, 1600, 2400];

interface Props {
  name: string;
  image: (width: number) => string;
  width: number;
  height: number;
  zoom: Zoom;
  onZoom: (zoom: number) => void;
  blocks: Block[];
  words: Word[];
  language?: string | undefined;
  boxes: boolean;
  found: Set<string>;
  doubtful: Set<string>;
  active: string | null;
  onPoint: (word: string | null) => void;
}

export function PagePicture(props: Props) {
  const { width, height, zoom, active } = props;
  const box = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState({ width: 0, height: 0 });
  const [broken, setBroken] = useState(false);

  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setRoom((before) => (before.width === width && before.height === height ? before : { width, height }));
    });
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);

  // A picture that was lost with the connection is asked for again.
  useEffect(() => connection.onRetry(() => setBroken(false)), []);

  const fit = room.width || 1;
  const whole = Math.min(fit, ((room.height || 1) * width) / height);
  const wide = Math.round(zoom === "width" ? fit : zoom === "page" ? whole : fit * zoom);
  const scale = wide / fit;

  // Ctrl and the wheel zoom about the pointer.
  useEffect(() => {
    const place = box.current!;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const next = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, scale * Math.exp(-event.deltaY / 300)));
      const at = place.getBoundingClientRect();
      const x = event.clientX - at.left;
      const y = event.clientY - at.top;
      const factor = next / scale;
      props.onZoom(next);
      requestAnimationFrame(() => {
        place.scrollLeft = (place.scrollLeft + x) * factor - x;
        place.scrollTop = (place.scrollTop + y) * factor - y;
      });
    };
    place.addEventListener("wheel", wheel, { passive: false });
    return () => place.removeEventListener("wheel", wheel);
  }, [scale, props.onZoom]);

  // What is copied is the text, with its newlines, without styles, in every browser.
  useEffect(() => {
    const copy = (event: ClipboardEvent) => {
      const selection = getSelection();
      const words = picture.current?.querySelector(".words");
      if (!words || !selection?.rangeCount || !words.contains(selection.getRangeAt(0).commonAncestorContainer)) return;
      event.clipboardData?.setData("text/plain", selectedText(words, selection.getRangeAt(0)).replace(/\n+$/, ""));
      event.preventDefault();
    };
    document.addEventListener("copy", copy);
    return () => document.removeEventListener("copy", copy);
  }, []);

  const pointed = (event: Event) => {
    const target = event.target as Element;
    props.onPoint(target.closest?.("[data-word]")?.getAttribute("data-word") ?? null);
  };

  return (
    <div class="picture-box" ref={box} tabIndex={0} role="region" aria-label={`Picture of ${props.name}`}>
      <div class="picture" ref={picture} style={{ width: `${wide}px`, aspectRatio: `${width} / ${height}` }}>
        {!broken && (
          <img
            src={props.image(900)}
            srcSet={WIDTHS.map((step) => `${props.image(step)} ${step}w`).join(", ")}
            sizes={`${wide}px`}
            alt={props.name}
            decoding="async"
            onError={() => setBroken(true)}
          />
        )}
        {broken && <p class="picture-none">The picture of this page can't be shown. Its text is beside it.</p>}
        <svg viewBox={`0 0 ${width} ${height}`} onPointerOver={pointed} onPointerLeave={() => props.onPoint(null)}>
          <Marks words={props.words} width={width} height={height} all={props.boxes} found={props.found} doubtful={props.doubtful} active={active} />
          <Overlay blocks={props.blocks} width={width} height={height} language={props.language} />
        </svg>
      </div>
    </div>
  );
}
