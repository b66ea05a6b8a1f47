// A state as a word with a sign. The colour only repeats it.
import { tone, type Tone } from "../words.ts";
import { Icon, type IconName } from "./icon.tsx";

const SIGN: Record<Tone, IconName> = {
  wait: "clock", run: "run", good: "check", warn: "half", bad: "cross", off: "minus",
};

export function State({ status, word }: { status: string; word: string }) {
  const kind = tone(status);
  return (
    <span class={`state ${kind}`}>
      <Icon name={SIGN[kind]} />
      {word}
    </span>
  );
}
