// Charts with one mark per run: scatter, parallel coordinates, histogram. Drawn as SVG; ten thousand lines on canvas.
import { useEffect, useMemo, useRef, useState } from "react";
import { value } from "../lib/format";
import { css } from "../lib/slots";
import { useTheme } from "../shell/state";

export interface Point {
  id: string;
  name: string;
  color: string;
  strong: boolean;
  at: (number | null)[];
  text: string[];
}

function useWidth(): [React.RefObject<HTMLDivElement | null>, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  return [box, width];
}

export function ticks(low: number, high: number, most = 5): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((item) => item >= rough)!;
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
}

const span = (values: number[]): [number, number] => {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const pad = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - pad, high + pad];
};

export function Scatter({ points, names, height, open }: { points: Point[]; names: string[]; height: number; open: (id: string) => void }) {
  const [box, width] = useWidth();
  const [over, setOver] = useState<Point | null>(null);
  if (!points.length) return <div ref={box} className="empty" style={{ minHeight: height }}>No run has numbers for both.</div>;
  const [x0, x1] = span(points.map((point) => point.at[0]!));
  const [y0, y1] = span(points.map((point) => point.at[1]!));
  const left = 46;
  const bottom = height - 24;
  const x = (at: number) => left + ((at - x0) / (x1 - x0)) * Math.max(1, width - left - 10);
  const y = (at: number) => bottom - ((at - y0) / (y1 - y0)) * (bottom - 8);
  return (
    <div ref={box} style={{ position: "relative", height }}>
      <svg width={width} height={height} role="img" aria-label={`${names[1]} by ${names[0]}, ${points.length} runs`}>
        {ticks(y0, y1, 4).map((at) => <g key={at}><line x1={left} x2={width - 8} y1={y(at)} y2={y(at)} stroke="var(--grid)" /><text x={left - 6} y={y(at) + 4} textAnchor="end" fontSize="11" fill="var(--ink-3)">{value(at)}</text></g>)}
        {ticks(x0, x1, Math.max(2, Math.floor(width / 90))).map((at) => <text key={at} x={x(at)} y={height - 8} textAnchor="middle" fontSize="11" fill="var(--ink-3)">{value(at)}</text>)}
        {[...points].sort((one, other) => Number(one.strong) - Number(other.strong)).map((point) => (
          <circle key={point.id} cx={x(point.at[0]!)} cy={y(point.at[1]!)} r={point.strong ? 4.5 : 3} fill={point.strong ? `var(${point.color})` : "none"} stroke={`var(${point.color})`} style={{ cursor: "pointer" }} onMouseEnter={() => setOver(point)} onMouseLeave={() => setOver(null)} onClick={() => open(point.id)} />
        ))}
      </svg>
      {over && (
        <div className="tipbox" style={{ left: Math.min(x(over.at[0]!) + 10, width - 170), top: Math.min(y(over.at[1]!), height - 60) }}>
          <div className="clip">{over.name}</div>
          {names.map((name, at) => <div key={name} className="dim">{name}: {over.text[at] && value(over.at[at])}</div>)}
        </div>
      )}
    </div>
  );
}

interface Axis {
  name: string;
  place: (text: string, at: number | null) => number; // 0 at the bottom, 1 on top
  marks: [number, string][];
}

function axisOf(name: string, points: Point[], at: number): Axis {
  const numbers = points.map((point) => point.at[at]);
  if (points.length && numbers.every((item) => item !== null)) {
    const low = Math.min(...(numbers as number[]));
    const high = Math.max(...(numbers as number[]));
    const wide = high - low || 1;
    return { name, place: (_, value_) => (high === low ? 0.5 : (value_! - low) / wide), marks: high === low ? [[0.5, value(low)]] : ticks(low, high, 4).map((mark) => [(mark - low) / wide, value(mark)]) };
  }
  const words = [...new Set(points.map((point) => point.text[at]!))].sort();
  const place = (text: string) => (words.length < 2 ? 0.5 : words.indexOf(text) / (words.length - 1));
  return { name, place, marks: words.slice(0, 12).map((word) => [place(word), word]) };
}

export function Parallel({ points, names, height, open }: { points: Point[]; names: string[]; height: number; open: (id: string) => void }) {
  const [box, width] = useWidth();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [theme] = useTheme();
  const [brushes, setBrushes] = useState<Record<number, [number, number]>>({});
  const [flipped, setFlipped] = useState<ReadonlySet<number>>(new Set());
  const [over, setOver] = useState<Point | null>(null);
  const axes = useMemo(() => names.map((name, at) => axisOf(name, points, at)), [points, names.join()]);
  const [top, bottom] = [28, height - 10];
  const x = (at: number) => 60 + (at * Math.max(1, width - 130)) / Math.max(1, names.length - 1);
  const share = (point: Point, at: number) => {
    const placed = axes[at]!.place(point.text[at]!, point.at[at]!);
    return flipped.has(at) ? 1 - placed : placed;
  };
  const y = (placed: number) => bottom - placed * (bottom - top);
  const inside = (point: Point) => Object.entries(brushes).every(([at, [low, high]]) => share(point, Number(at)) >= low && share(point, Number(at)) <= high);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !width) return;
    const ratio = devicePixelRatio;
    canvas.current!.width = width * ratio;
    canvas.current!.height = height * ratio;
    context.scale(ratio, ratio);
    const draw = (point: Point, style: string, wide: number) => {
      context.strokeStyle = style;
      context.lineWidth = wide;
      context.beginPath();
      names.forEach((_, at) => (at ? context.lineTo(x(at), y(share(point, at))) : context.moveTo(x(0), y(share(point, 0)))));
      context.stroke();
    };
    const grid = css("--line-2");
    for (const point of points) if (!inside(point)) draw(point, grid, 0.7);
    const kept = points.filter(inside);
    for (const point of kept) if (!point.strong) draw(point, css("--edge"), kept.length > 500 ? 0.7 : 1);
    for (const point of kept) if (point.strong) draw(point, css(point.color), 1.8);
    if (over) draw(over, css("--ink"), 2.6);
  }, [points, width, height, brushes, flipped, over, theme, axes]);

  const find = (px: number, py: number): Point | null => {
    const at = Math.max(0, Math.min(names.length - 2, Math.floor(((px - 60) / Math.max(1, width - 130)) * (names.length - 1))));
    const part = (px - x(at)) / Math.max(1, x(at + 1) - x(at));
    let best: Point | null = null;
    let least = 8;
    for (const point of points) {
      if (!inside(point)) continue;
      const away = Math.abs(y(share(point, at) * (1 - part) + share(point, Math.min(at + 1, names.length - 1)) * part) - py);
      if (away < least) [best, least] = [point, away];
    }
    return best;
  };
  const place = (event: { clientX: number; clientY: number }) => {
    const { left, top: above } = box.current!.getBoundingClientRect();
    return [event.clientX - left, event.clientY - above] as const;
  };
  const drag = useRef<{ axis: number; from: number } | null>(null);
  return (
    <div
      ref={box}
      style={{ position: "relative", height, cursor: over ? "pointer" : "default" }}
      onPointerMove={(event) => {
        const [px, py] = place(event);
        if (drag.current) {
          const { axis, from } = drag.current;
          const to = Math.max(0, Math.min(1, (bottom - py) / (bottom - top)));
          setBrushes({ ...brushes, [axis]: [Math.min(from, to), Math.max(from, to)] });
        } else setOver(find(px, py));
      }}
      onPointerLeave={() => setOver(null)}
      onPointerUp={() => {
        if (drag.current && (brushes[drag.current.axis]?.[1] ?? 1) - (brushes[drag.current.axis]?.[0] ?? 0) < 0.02) {
          const { [drag.current.axis]: _, ...rest } = brushes;
          setBrushes(rest);
        }
        drag.current = null;
      }}
      onClick={() => over && !drag.current && open(over.id)}
    >
      <canvas ref={canvas} style={{ width: "100%", height, position: "absolute", inset: 0 }} role="img" aria-label={`Parallel coordinates of ${names.join(", ")}: ${points.length} runs`} />
      <svg width={width} height={height} style={{ position: "absolute", inset: 0, pointerEvents: "none" }} aria-hidden="true">
        {axes.map((axis, at) => (
          <g key={axis.name}>
            <line x1={x(at)} x2={x(at)} y1={top} y2={bottom} stroke="var(--edge)" />
            {brushes[at] && <rect x={x(at) - 5} width={10} y={y(brushes[at]![1])} height={Math.max(2, y(brushes[at]![0]) - y(brushes[at]![1]))} fill="var(--accent)" fillOpacity="0.35" stroke="var(--accent)" rx="2" />}
            {axis.marks.map(([mark, text]) => (
              <text key={text} x={x(at) + 6} y={y(flipped.has(at) ? 1 - mark : mark) + 4} fontSize="11" fill="var(--ink-2)" stroke="var(--panel)" strokeWidth="3" paintOrder="stroke">{text.slice(0, 14)}</text>
            ))}
            <rect x={x(at) - 9} y={top} width={18} height={bottom - top} fill="transparent" style={{ pointerEvents: "all", cursor: "ns-resize" }} onPointerDown={(event) => { event.preventDefault(); const from = Math.max(0, Math.min(1, (bottom - place(event)[1]) / (bottom - top))); drag.current = { axis: at, from }; setBrushes({ ...brushes, [at]: [from, from] }); }} />
          </g>
        ))}
      </svg>
      {axes.map((axis, at) => (
        <button type="button" key={axis.name} className="clip" title={`${axis.name}: turn the axis over`} style={{ position: "absolute", left: x(at) - 60, width: 120, textAlign: "center", top: 2, font: "500 var(--t-xs) var(--font)", color: "var(--ink-2)", minHeight: 24 }} onClick={(event) => { event.stopPropagation(); const next = new Set(flipped); if (!next.delete(at)) next.add(at); setFlipped(next); }}>
          {axis.name} {flipped.has(at) ? "↓" : "↑"}
        </button>
      ))}
      {over && <div className="tipbox" style={{ right: 8, top: top + 4 }}><b className="clip">{over.name}</b>{names.map((name, at) => <div key={name} className="dim">{name}: {over.text[at]}</div>)}</div>}
    </div>
  );
}

export function Histogram({ values, height, label, bins = 24 }: { values: number[]; height: number; label: string; bins?: number }) {
  const [box, width] = useWidth();
  if (!values.length) return <div ref={box} className="empty" style={{ minHeight: height }}>No run has a number for it.</div>;
  const low = Math.min(...values);
  const high = Math.max(...values);
  const counts = new Array<number>(bins).fill(0);
  for (const at of values) counts[Math.min(bins - 1, Math.floor(((at - low) / (high - low || 1)) * bins))]! += 1;
  const most = Math.max(...counts);
  const bottom = height - 22;
  return (
    <div ref={box} style={{ height }}>
      <svg width={width} height={height} role="img" aria-label={`Histogram of ${label}: ${values.length} runs from ${value(low)} to ${value(high)}`}>
        {ticks(0, most, 3).filter(Number.isInteger).map((at) => <g key={at}><line x1={34} x2={width - 8} y1={bottom - (at / most) * (bottom - 8)} y2={bottom - (at / most) * (bottom - 8)} stroke="var(--grid)" /><text x={28} y={bottom - (at / most) * (bottom - 8) + 4} textAnchor="end" fontSize="11" fill="var(--ink-3)">{at}</text></g>)}
        {counts.map((item, at) => <rect key={at} x={36 + (at * (width - 46)) / bins} width={Math.max(1, (width - 46) / bins - 1.5)} y={bottom - (item / most) * (bottom - 8)} height={(item / most) * (bottom - 8)} fill="var(--c1)" rx="1"><title>{item}</title></rect>)}
        {[0, 0.5, 1].map((part) => <text key={part} x={36 + part * (width - 46)} y={height - 6} textAnchor={part === 0 ? "start" : part === 1 ? "end" : "middle"} fontSize="11" fill="var(--ink-3)">{value(low + part * (high - low))}</text>)}
      </svg>
    </div>
  );
}
