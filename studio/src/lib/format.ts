// Numbers, times and sizes as people read them, in the viewer's language and zone.
const number = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 5 });
const whole = new Intl.NumberFormat();
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const year = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function value(number_: unknown): string {
  if (number_ === null || number_ === undefined) return "";
  if (typeof number_ === "string") return number_;
  if (typeof number_ !== "number") return String(number_);
  if (!Number.isFinite(number_)) return String(number_);
  const size = Math.abs(number_);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return number_.toExponential(3);
  return number.format(number_);
}

export const count = (items: number): string => whole.format(items);

export function bytes(size: number | null | undefined): string {
  if (size === null || size === undefined) return "";
  if (size < 1000) return `${size} B`;
  let unit = -1;
  let left = size;
  do {
    left /= 1000;
    unit += 1;
  } while (left >= 999.5 && unit < 5);
  return `${left < 10 ? left.toFixed(1) : Math.round(left)} ${"kMGTPE"[unit]}B`;
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "";
  if (seconds < 0.95) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 59.5) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const all = Math.round(seconds);
  const [hours, minutes] = [Math.floor(all / 3600), Math.floor((all % 3600) / 60)];
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours} h ${String(minutes).padStart(2, "0")} min` : `${minutes} min ${String(all % 60).padStart(2, "0")} s`;
}

export function ago(iso: string | null | undefined, now = Date.now()): string {
  if (!iso) return "";
  const then = new Date(iso);
  const seconds = (now - then.getTime()) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 3570) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  const today = new Date(now);
  if (then.toDateString() === today.toDateString()) return `today ${clock.format(then)}`;
  if (then.getFullYear() === today.getFullYear()) return `${day.format(then)} ${clock.format(then)}`;
  return year.format(then);
}

export const moment = (iso: string | null | undefined): string => (iso ? full.format(new Date(iso)) : "");

export const between = (from?: string | null, to?: string | null, now = Date.now()): number | undefined =>
  from ? ((to ? Date.parse(to) : now) - Date.parse(from)) / 1000 : undefined;

/** Shortened in its middle, so that what stands at the end stays. */
export function middle(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(text.length - tail)}`;
}
