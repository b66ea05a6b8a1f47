// Numbers, sizes and times as people say them.

const numbers = new Intl.NumberFormat("en");
const percents = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 });
const days = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const years = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const exactly = new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "long" });

export function number(value: number): string {
  return numbers.format(value);
}

export function percent(part: number): string {
  return percents.format(part);
}

/** `1 page`, `2 pages`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** A count that may be cut off. */
export function atLeast(value: number, isLowerBound: boolean | undefined, one: string, many?: string): string {
  return isLowerBound ? `more than ${count(value, one, many)}` : count(value, one, many);
}

export function bytes(value: number): string {
  if (value < 1000) return count(value, "byte");
  const units = ["kB", "MB", "GB", "TB"];
  let unit = -1;
  let rest = value;
  do {
    rest /= 1000;
    unit += 1;
  } while (rest >= 999.5 && unit < units.length - 1);
  return `${rest < 9.95 ? rest.toFixed(1) : Math.round(rest)} ${units[unit]}`;
}

/** A span of milliseconds: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 days`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return two(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86_400) return two(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return count(Math.floor(whole / 86_400), "day");
}

function two(first: number, unit: string, second: number, small: string): string {
  return second ? `${first} ${unit} ${second} ${small}` : `${first} ${unit}`;
}

/** How long ago: `just now`, `3 min ago`, then the clock, then the day. */
export function ago(at: string | number, now = Date.now()): string {
  const then = new Date(at);
  const passed = now - then.getTime();
  if (passed < 10_000) return "just now";
  if (passed < 3_600_000) return `${duration(Math.floor(passed / 60_000 || 0) * 60_000 || passed)} ago`;
  if (then.toDateString() === new Date(now).toDateString()) return clock.format(then);
  const format = then.getFullYear() === new Date(now).getFullYear() ? days : years;
  return `${format.format(then)}, ${clock.format(then)}`;
}

/** How long until: `in 12 s`, `now`. */
export function until(at: string | number, now = Date.now()): string {
  const left = new Date(at).getTime() - now;
  return left < 1000 ? "now" : `in ${duration(left)}`;
}

export function exact(at: string | number): string {
  return exactly.format(new Date(at));
}

/** The beginning of a hash or an id, which tells it from others. */
export function short(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 8);
}
