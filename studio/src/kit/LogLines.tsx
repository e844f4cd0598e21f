// The lines of a log: as many as one likes, drawn where one looks.
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useLayoutEffect, useRef } from "react";
import { isBad, spans } from "../lib/ansi";

const LINE = 18;
const NEAR = 40; // pixels from the end that count as the end

interface Props {
  lines: (readonly [number, string])[]; // its number, counted from 1 at the first line that is held
  first: number | null; // the number of that line in the whole log; not known at once in the middle of one
  wrap: boolean;
  wanted: string; // marked wherever it stands
  follow: boolean; // keep the last line in view
  target?: { at: number } | null; // a line to bring into view; another object brings it there again
  label: string;
  moved?: (atEnd: boolean) => void; // somebody scrolled
}

export function LogLines({ lines, first, wrap, wanted, follow, target = null, label, moved }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => LINE, overscan: 20 });
  useLayoutEffect(() => {
    if (follow && lines.length) list.scrollToIndex(lines.length - 1, { align: "end" });
  }, [lines.length, follow, list]);
  useEffect(() => {
    if (target) list.scrollToIndex(target.at, { align: "center" });
  }, [target, list]);
  return (
    <div
      ref={box}
      className="lines"
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={label}
      onScroll={(event) => {
        const place = event.currentTarget;
        const low = place.scrollHeight - place.scrollTop - place.clientHeight < NEAR;
        if (low || place.scrollHeight > place.clientHeight + NEAR) moved?.(low);
      }}
    >
      <div style={{ height: list.getTotalSize(), position: "relative" }}>
        {list.getVirtualItems().map((item) => {
          const [number, line] = lines[item.index]!;
          return (
            <div key={item.key} data-index={item.index} ref={wrap ? list.measureElement : undefined} className={`ln ${isBad(line) ? "bad" : ""}`} style={{ transform: `translateY(${item.start}px)` }}>
              <span className="no">{first === null ? "" : first + number - 1}</span>
              <LogLine line={line} wanted={wanted} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

const LogLine = memo(function LogLine({ line, wanted }: { line: string; wanted: string }) {
  return (
    <span className="tx">
      {spans(line.slice(0, 20_000)).map((span, at) => (
        <span key={at} style={span.color || span.bold ? { color: span.color, fontWeight: span.bold ? 600 : undefined } : undefined}>
          <Marked text={span.text} wanted={wanted} />
        </span>
      ))}
    </span>
  );
});

function Marked({ text, wanted }: { text: string; wanted: string }) {
  if (!wanted) return text;
  const low = text.toLowerCase();
  const parts = [];
  let at = 0;
  for (let next = low.indexOf(wanted.toLowerCase()); next >= 0; next = low.indexOf(wanted.toLowerCase(), at)) {
    parts.push(text.slice(at, next), <mark key={next}>{text.slice(next, next + wanted.length)}</mark>);
    at = next + wanted.length;
  }
  return <>{parts}{text.slice(at)}</>;
}
