// One panel: a metric of the visible runs, with the range that is zoomed in to. It says what it does not show.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { curves } from "../data/curves";
import { useWorkspace } from "../data/hooks";
import { Button, Failure } from "../kit/basic";
import { Modal } from "../kit/dialog";
import { value } from "../lib/format";
import { slot } from "../lib/slots";
import { LineChart } from "./LineChart";

export interface ChartRun {
  name: string;
  title: string;
  slot: number | undefined;
  live: boolean;
  baseline?: boolean;
}
export interface ChartSettings {
  x: string;
  smooth: string; // "none", "ema:0.6", "mean:10", "gaussian:3"
  log: boolean;
}

export function smoothing(text: string): { kind: string; amount: number } {
  const [kind, amount] = text.split(":");
  return { kind: kind || "none", amount: Number(amount ?? 0) };
}

interface Props {
  metric: string;
  runs: ChartRun[];
  settings: ChartSettings;
  range: [number, number] | null;
  onRange: (range: [number, number] | null) => void;
  span?: number;
  close?: () => void;
  grip?: ReactNode; // by which it is moved
  highlight?: string | null;
  legend?: boolean;
}

export function MetricPanel(props: Props) {
  const { metric, runs, settings, range, onRange, span = 6, close, grip } = props;
  const [large, setLarge] = useState(false);
  return (
    <section className="panel" style={{ gridColumn: `span ${span}` }} aria-label={metric}>
      <header>
        <h3 title={metric}>{metric}</h3>
        {range && <Button kind="ghost small" icon="retry" tip="Reset the zoom" onClick={() => onRange(null)} />}
        {grip}
        <Button kind="ghost small" icon="large" tip="Full screen" onClick={() => setLarge(true)} />
        {close && <Button kind="ghost small" icon="close" tip="Take this chart away" onClick={close} />}
      </header>
      <InView height={200}>{(width) => <Plot {...props} height={200} width={width} />}</InView>
      <Modal open={large} close={() => setLarge(false)} title={metric} wide>
        {large && <Plot metric={metric} runs={runs} settings={settings} range={range} onRange={onRange} height={440} width={innerWidth} legend />}
      </Modal>
    </section>
  );
}

/** One for every second pixel; in steps, so that a panel that is moved a little asks for nothing. The band between the
 * least and the greatest value shows what lies within. */
export const bucketsOf = (width: number): number => Math.max(100, Math.min(800, Math.ceil(width / 2 / 50) * 50));

/** Draws, and asks for, nothing before it comes into view; what was seen once stays. */
export function InView({ height, children }: { height: number; children: (width: number) => ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watcher = new IntersectionObserver((entries) => {
      const seen = entries.find((entry) => entry.isIntersecting);
      if (!seen) return;
      setWidth(seen.boundingClientRect.width);
      watcher.disconnect();
    });
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, []);
  return <div ref={box} style={{ minHeight: height }}>{width > 0 && children(width)}</div>;
}

function Plot({ metric, runs, settings, range, onRange, height, highlight, legend, width }: Props & { height: number; width: number }) {
  const workspace = useWorkspace();
  const names = runs.map((run) => run.name);
  const request = { workspace, runs: names, keys: [metric], x: settings.x, range, buckets: bucketsOf(width), smooth: smoothing(settings.smooth) };
  const answer = useQuery({
    queryKey: ["metrics.columns", request],
    queryFn: ({ signal }) => curves(request, signal),
    enabled: names.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: runs.some((run) => run.live) ? 2_000 : false,
    staleTime: 30_000,
  });
  if (!names.length) return <div className="empty" style={{ minHeight: height }}>No run is shown. Press Space on a row to show it.</div>;
  if (answer.error) return <div style={{ padding: 12 }}><Failure error={answer.error} retry={() => void answer.refetch()} /></div>;
  if (!answer.data) return <div style={{ height }} aria-busy="true" />;
  const by = new Map(runs.map((run) => [run.name, run]));
  const lines = answer.data.curves
    .filter((curve) => by.has(curve.run))
    .map((curve) => {
      const run = by.get(curve.run)!;
      const { color, dash } = slot(run.slot);
      return { id: curve.run, name: run.title, color: run.baseline ? "--ink" : color, dash: run.baseline ? [6, 4] : dash, thick: run.baseline || curve.run === highlight, last: curve.columns.last!, min: curve.columns.raw_min ?? curve.columns.min!, max: curve.columns.raw_max ?? curve.columns.max! };
    });
  const lacking = names.length - lines.length;
  if (!lines.length) return <div className="empty" style={{ minHeight: height }}>{names.length === 1 ? "The run has no points of" : "None of the runs that are shown has points of"} {metric}{range ? " in this range" : ""}.</div>;
  const only = answer.data.x.length === 1;
  return (
    <>
      <div className="plot">
        {only ? (
          <Bars lines={lines.map((line) => ({ ...line, at: line.last[0]! }))} height={height} />
        ) : (
          <LineChart x={answer.data.x} unit={settings.x} lines={lines} log={settings.log} bands={answer.data.ratio > 1 || settings.smooth !== "none"} label={metric} height={height} range={range} onRange={onRange} highlight={highlight ?? null} />
        )}
      </div>
      {legend && (
        <div className="legend">
          {lines.map((line) => (
            <span key={line.id}><i className="swatch" style={{ borderColor: `var(${line.color})`, borderTopStyle: line.dash ? "dashed" : "solid" }} /><span className="clip">{line.name}</span></span>
          ))}
        </div>
      )}
      <div className="foot">
        <span>{only ? "one value a run" : settings.x === "relative" ? "time since the start" : settings.x === "wall" ? "time" : "step"}</span>
        {answer.data.ratio > 1 && <span title="The band is from the least to the greatest value">bucketed {Math.round(answer.data.ratio)}:1; zoom for raw</span>}
        {lacking > 0 && <span>{lacking} without it</span>}
        {settings.smooth !== "none" && !only && <span>smoothed; band is raw</span>}
      </div>
    </>
  );
}

export function Bars({ lines, height }: { lines: { id: string; name: string; color: string; at: number }[]; height: number }) {
  const most = Math.max(0, ...lines.map((line) => line.at));
  const least = Math.min(0, ...lines.map((line) => line.at));
  const span = most - least || 1;
  if (!lines.length) return <div className="empty" style={{ minHeight: height }}>No run that is shown has a value.</div>;
  return (
    <div style={{ height, overflow: "auto", padding: "4px 8px", display: "flex", flexDirection: "column", gap: 4 }}>
      {lines.map((line) => (
        <div key={line.id} style={{ display: "grid", gridTemplateColumns: "minmax(60px, 34%) minmax(0,1fr) 72px", gap: 8, alignItems: "center", minHeight: 20 }}>
          <span className="clip ink2" title={line.name}>{line.name}</span>
          <span style={{ position: "relative", height: 12 }}>
            <i style={{ position: "absolute", inset: 0, left: `${((Math.min(0, line.at) - least) / span) * 100}%`, width: `${(Math.abs(line.at) / span) * 100}%`, background: `var(${line.color})`, borderRadius: 2 }} />
          </span>
          <span className="num">{value(line.at)}</span>
        </div>
      ))}
    </div>
  );
}
