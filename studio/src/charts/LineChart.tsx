// One uPlot; data come by setData, it is made anew only when the set of series changes.
import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import { css } from "../lib/slots";
import { duration, value } from "../lib/format";
import { useTheme } from "../shell/state";

export interface Line {
  id: string;
  name: string;
  color: string; // CSS variable
  dash?: number[] | undefined;
  last: ArrayLike<number>;
  min?: ArrayLike<number>;
  max?: ArrayLike<number>;
  thick?: boolean;
}
interface Props {
  x: ArrayLike<number>;
  unit: string; // step, relative, wall
  lines: Line[];
  log?: boolean;
  bands?: boolean;
  label: string;
  height?: number;
  range?: [number, number] | null;
  onRange?: (range: [number, number] | null) => void;
  highlight?: string | null;
}

const SYNC = uPlot.sync("zaffre");
const nulls = (column: ArrayLike<number>): (number | null)[] => Array.from(column, (item) => (Number.isFinite(item) ? item : null));

function tick(unit: string, at: number): string {
  if (unit === "relative") return at >= 60 ? duration(at) : `${value(at)} s`;
  if (Math.abs(at) >= 1e6) return `${value(at / 1e6)}M`;
  if (Math.abs(at) >= 1e4) return `${value(at / 1e3)}k`;
  return value(at);
}
const when = (unit: string, at: number): string => (unit === "wall" ? new Date(at).toLocaleString() : unit === "relative" ? duration(at) : `step ${value(at)}`);

export function LineChart({ x, unit, lines, log, bands, label, height = 220, range, onRange, highlight }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const zoom = useRef(onRange);
  zoom.current = onRange;
  const [theme] = useTheme();
  const [cursor, setCursor] = useState<{ left: number; top: number; index: number } | null>(null);
  const banded = !!bands;
  const set = lines.map((line) => `${line.id}${line.color}${line.dash ?? ""}${line.thick}`).join("|");

  const data = useMemo(() => {
    const extra = banded ? lines.flatMap((line) => [nulls(line.max ?? line.last), nulls(line.min ?? line.last)]) : [];
    return [Array.from(x), ...extra, ...lines.map((line) => nulls(line.last))] as uPlot.AlignedData;
  }, [x, lines, banded]);

  useEffect(() => {
    const ink = css("--ink-3");
    const grid = { stroke: css("--grid"), width: 1 };
    const font = `11px ${css("--font")}`;
    const axis = { stroke: ink, font, grid, ticks: { show: false } };
    const wide = (_: uPlot, labels: string[] | null) => Math.max(34, 14 + 6.2 * Math.max(0, ...(labels ?? []).map((text) => text?.length ?? 0)));
    const bandSeries = banded ? lines.flatMap((): uPlot.Series[] => [{ stroke: "transparent", width: 0, points: { show: false }, spanGaps: true }, { stroke: "transparent", width: 0, points: { show: false }, spanGaps: true }]) : [];
    const options: uPlot.Options = {
      width: box.current!.clientWidth || 300,
      height,
      legend: { show: false },
      cursor: { sync: { key: SYNC.key, scales: ["x", null] }, drag: { x: true, y: false, setScale: false }, points: { size: 6 }, y: false },
      scales: { x: { time: unit === "wall" }, y: { distr: log ? 3 : 1 } },
      axes: [
        { ...axis, size: 26, space: 64, ...(unit === "wall" ? {} : { values: (_: uPlot, at: number[]) => at.map((item) => tick(unit, item)) }) },
        { ...axis, size: wide as never, space: 32, values: (_: uPlot, at: (number | null)[]) => at.map((item) => (item === null ? "" : tick("step", item))) },
      ],
      series: [
        {},
        ...bandSeries,
        ...lines.map((line): uPlot.Series => ({ stroke: css(line.color), width: line.thick ? 2.5 : 1.5, spanGaps: true, points: { show: x.length < 40, size: 4 }, ...(line.dash ? { dash: line.dash } : {}) })),
      ],
      bands: banded ? lines.map((line, at): uPlot.Band => ({ series: [1 + 2 * at, 2 + 2 * at], fill: `${css(line.color)}2e` })) : [],
      ms: 1,
      hooks: {
        setCursor: [
          (self) => {
            const { left, top, idx } = self.cursor;
            setCursor(left === undefined || left < 0 || idx === null || idx === undefined ? null : { left: left + self.bbox.left / devicePixelRatio, top: Math.max(0, top ?? 0), index: idx });
          },
        ],
        setSelect: [
          (self) => {
            if (self.select.width > 4) zoom.current?.([self.posToVal(self.select.left, "x"), self.posToVal(self.select.left + self.select.width, "x")]);
            self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          },
        ],
      },
    };
    const made = new uPlot(options, data, box.current!);
    made.over.addEventListener("dblclick", () => zoom.current?.(null));
    plot.current = made;
    const observer = new ResizeObserver(([entry]) => made.setSize({ width: Math.floor(entry!.contentRect.width), height }));
    observer.observe(box.current!);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
    // data follow below
  }, [set, unit, log, banded, theme, height]);

  useEffect(() => {
    plot.current?.setData(data, false);
    const first = data[0][0];
    const last = data[0].at(-1);
    if (first === undefined || last === undefined) return;
    const [from, to] = range ?? [first, last];
    plot.current?.setScale("x", { min: from, max: to === from ? from + 1 : to });
  }, [data, range, set, unit, log, theme, height]);

  const near = cursor
    ? lines
        .map((line) => ({ line, at: nearest(line.last, cursor.index) }))
        .filter((item) => item.at !== null)
        .sort((one, other) => other.at! - one.at!)
    : [];
  const flip = cursor && box.current ? cursor.left > box.current.clientWidth * 0.6 : false;
  return (
    <div style={{ position: "relative", height }} role="img" aria-label={`${label}: ${lines.length} lines`} onKeyDown={(event) => event.key === "z" && onRange?.(null)}>
      <div ref={box} style={{ height }} />
      {cursor && near.length > 0 && (
        <div className="tipbox" style={{ top: Math.min(cursor.top, height - 60), ...(flip ? { right: `calc(100% - ${cursor.left - 12}px)` } : { left: cursor.left + 12 }) }}>
          <div className="t">{when(unit, x[cursor.index]!)}</div>
          {near.slice(0, 10).map(({ line, at }) => (
            <div className="l" key={line.id} style={{ fontWeight: line.id === highlight ? 600 : 400 }}>
              <i className="dot" style={{ background: `var(${line.color})` }} />
              <span className="clip">{line.name}</span>
              <span className="num">{value(at)}</span>
            </div>
          ))}
          {near.length > 10 && <div className="dim">and {near.length - 10} more</div>}
        </div>
      )}
    </div>
  );
}

function nearest(column: ArrayLike<number>, index: number): number | null {
  for (let away = 0; away < 40; away += 1) {
    if (Number.isFinite(column[index - away])) return column[index - away]!;
  }
  return null;
}
