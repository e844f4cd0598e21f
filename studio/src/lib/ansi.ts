// Colors of terminals in logs: escape sequences become spans, every other control sequence goes.
export interface Span {
  text: string;
  color?: string;
  bold?: boolean;
}

const COLORS = ["#8a909c", "#ff7480", "#51c46c", "#f0b04c", "#8ea2ff", "#d58cff", "#5fd0d8", "#e9eaed"];
// oxlint-disable-next-line no-control-regex
const ESCAPE = /\u001b\[([0-9;]*)m|\u001b\[[0-9;?]*[A-Za-z]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b./g;

export function spans(line: string): Span[] {
  const last = line.lastIndexOf("\r"); // a progress bar writes over itself: the last state counts
  const text = last >= 0 && last < line.length - 1 ? line.slice(last + 1) : line.replace(/\r+$/, "");
  if (!text.includes("\u001b")) return [{ text }];
  const found: Span[] = [];
  let style: Omit<Span, "text"> = {};
  let at = 0;
  const push = (part: string) => part && found.push({ text: part, ...style });
  for (const match of text.matchAll(ESCAPE)) {
    push(text.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[1] !== undefined) style = styled(style, match[1]);
  }
  push(text.slice(at));
  return found;
}

function styled(style: Omit<Span, "text">, codes: string): Omit<Span, "text"> {
  let now = { ...style };
  for (const code of codes.split(";").map(Number)) {
    if (!code) now = {};
    else if (code === 1) now.bold = true;
    else if (code >= 30 && code <= 37) now.color = COLORS[code - 30];
    else if (code >= 90 && code <= 97) now.color = COLORS[code - 90];
    else if (code === 39) delete now.color;
  }
  return now;
}

export const isBad = (line: string): boolean => /\b(error|exception|traceback|fatal|critical|failed)\b/i.test(line);
