import { lazy, Suspense, useRef, useState } from "react";
import { ChartBar, useChartSettings } from "../../charts/ChartBar";
import { MetricPanel } from "../../charts/MetricPanel";
import { Button, Empty, Failure, FilterField } from "../../kit/basic";
import type { ImageSeries } from "../../data/api";
import { useApi } from "../../data/hooks";
import { Modal } from "../../kit/dialog";
import { Icon } from "../../kit/Icon";
import { field } from "../../lib/filter";
import { isLive } from "../../lib/status";
import { titleOf } from "./columns";
import type { Jobs, Panel } from "./state";

const Others = lazy(() => import("./Others"));
const Images = lazy(() => import("./Images"));
const Note = lazy(() => import("./Note"));

export function Panels({ jobs }: { jobs: Jobs }) {
  const [settings, setSettings] = useChartSettings();
  const [range, setRange] = useState<[number, number] | null>(null);
  const [adding, setAdding] = useState(false);
  const panels = jobs.panels.filter((panel) => panel.kind && panel.of.length);
  const by = new Map(jobs.rows.map((row) => [row.name, row]));
  const names = [...new Set([...jobs.visible, ...(jobs.baseline ? [jobs.baseline] : [])])].slice(0, 100);
  const runs = names.map((name) => ({ name, title: by.get(name)?.display_name || name, slot: jobs.slots.get(name), live: isLive(by.get(name)?.status), baseline: name === jobs.baseline }));
  const wide = jobs.view === "charts" ? 4 : 6;
  const done = useRef<Panel[][]>([]);
  const undone = useRef<Panel[][]>([]);
  const [told, setTold] = useState("");
  const change = (next: Panel[]) => {
    done.current.push(panels);
    undone.current = [];
    jobs.setPanels(next);
  };
  const step = (from: Panel[][], to: Panel[][], word: string) => {
    const before = from.pop();
    if (!before) return;
    to.push(panels);
    jobs.setPanels(before);
    setTold(word);
  };
  const away = (at: number) => change(panels.filter((_, other) => other !== at));
  const move = (from: number, to: number) => {
    if (to < 0 || to >= panels.length || from === to) return;
    const next = panels.toSpliced(from, 1);
    next.splice(to, 0, panels[from]!);
    change(next);
    setTold(`Place ${to + 1} of ${panels.length}`);
  };
  const grip = (at: number) => <Grip at={at} move={move} perRow={12 / wide} />;
  return (
    <>
      <div className="row wrap" style={{ padding: "6px 10px", borderBottom: "1px solid var(--line)", background: "var(--sunk)" }}>
        <ChartBar settings={settings} onChange={setSettings} />
        <span className="grow" />
        <span className="dim">{runs.length} run{runs.length === 1 ? "" : "s"} shown</span>
        <Button icon="plus" onClick={() => setAdding(true)}>Chart</Button>
      </div>
      <div className="panels" tabIndex={0} role="region" aria-label="Charts" onKeyDown={(event) => {
        if (event.key.toLowerCase() !== "z") return;
        if (!event.metaKey && !event.ctrlKey) return setRange(null);
        event.preventDefault();
        if (event.shiftKey) step(undone.current, done.current, "Done again");
        else step(done.current, undone.current, "Undone");
      }}>
        <span className="sr" role="status">{told}</span>
        {panels.map((panel, at) =>
          panel.kind === "line" ? (
            <MetricPanel key={panel.of[0]} metric={field(panel.of[0]!).key} runs={runs} settings={settings} range={range} onRange={setRange} span={panels.length === 1 ? 12 : wide} close={() => away(at)} grip={grip(at)} legend={panels.length === 1} />
          ) : panel.kind === "images" ? (
            <Suspense key={`images ${panel.of[0]}`} fallback={null}><Images series={panel.of[0]!} runs={runs} close={() => away(at)} grip={grip(at)} /></Suspense>
          ) : panel.kind === "note" ? (
            <Suspense key={`note ${at}`} fallback={null}><Note text={panel.of[0]!} span={wide} change={(text) => change(panels.with(at, { kind: "note", of: [text] }))} close={() => away(at)} grip={grip(at)} /></Suspense>
          ) : (
            <Suspense key={panel.kind + panel.of.join()} fallback={null}><Others panel={panel} jobs={jobs} runs={runs} span={panel.kind === "parallel" ? 12 : wide} close={() => away(at)} grip={grip(at)} /></Suspense>
          ),
        )}
        {!panels.length && (
          <div style={{ gridColumn: "span 12" }}>
            <Empty title={jobs.keys.some((key) => key.kind === "metrics") ? "No chart" : "No metrics yet"} action={<Button icon="plus" onClick={() => setAdding(true)}>Add a chart</Button>}>
              {jobs.keys.some((key) => key.kind === "metrics") ? "Charts are drawn only when somebody wants them." : "What runs log with MLflow is drawn here."}
            </Empty>
          </div>
        )}
      </div>
      {adding && <Add jobs={jobs} runs={names} close={() => setAdding(false)} add={(panel) => change([...panels, panel])} />}
    </>
  );
}

const CARRIED = "application/x-zaffre-panel";

/** Drag it onto another chart's grip, or move the chart with the arrow keys. */
function Grip({ at, move, perRow }: { at: number; move: (from: number, to: number) => void; perRow: number }) {
  const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow };
  return (
    <button
      type="button"
      className="btn ghost small icon grip"
      draggable
      aria-label="Move this chart"
      title="Drag, or press the arrow keys; Ctrl+Z takes it back"
      onKeyDown={(event) => {
        const by = steps[event.key];
        if (by === undefined) return;
        event.preventDefault();
        move(at, at + by);
      }}
      onDragStart={(event) => event.dataTransfer.setData(CARRIED, String(at))}
      onDragOver={(event) => event.dataTransfer.types.includes(CARRIED) && event.preventDefault()}
      onDrop={(event) => { event.preventDefault(); move(Number(event.dataTransfer.getData(CARRIED)), at); }}
    >
      <Icon name="grip" size={14} />
    </button>
  );
}

const KINDS: [Panel["kind"], string, number][] = [["line", "Lines", 1], ["bar", "Bars", 1], ["histogram", "Histogram", 1], ["scatter", "Scatter", 2], ["parallel", "Parallel coordinates", 8], ["images", "Images", 1], ["note", "Text", 1]];
const EMPTY_NOTE = "## Notes\n\nWhat these runs are about.";

function Add({ jobs, runs, close, add }: { jobs: Jobs; runs: string[]; close: () => void; add: (panel: Panel) => void }) {
  const [kind, setKind] = useState<Panel["kind"]>("line");
  const [of, setOf] = useState<string[]>([]);
  const [wanted, setWanted] = useState("");
  const most = KINDS.find(([key]) => key === kind)![2];
  const images = useApi("runs.images", { runs }, { enabled: kind === "images" && runs.length > 0 });
  const fields = [...jobs.keys.filter((key) => (key.kind === "metrics" || (kind !== "line" && key.kind === "params"))).map((key) => `${key.kind}.${key.key}`), ...(kind === "line" ? [] : ["duration_s"])];
  const choices = (kind === "images" ? (images.data?.series ?? []).map((one) => one.name) : fields).filter((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  const choose = (name: string) => {
    if (most === 1) {
      add({ kind, of: [name] });
      close();
    } else setOf((now) => (now.includes(name) ? now.filter((item) => item !== name) : [...now, name].slice(-most)));
  };
  return (
    <Modal open close={close} title="Add a chart" actions={most > 1 ? <Button kind="primary" disabled={of.length < 2} onClick={() => { add({ kind, of }); close(); }}>Add</Button> : undefined}>
      <div className="row wrap">
        {KINDS.map(([key, title]) => <Button key={key} aria-pressed={kind === key} onClick={() => { if (key === "note") { add({ kind: key, of: [EMPTY_NOTE] }); close(); } else { setKind(key); setOf([]); } }}>{title}</Button>)}
      </div>
      <p className="dim">{kind === "scatter" ? "Choose x, then y." : kind === "parallel" ? "Choose the axes, in their order." : kind === "images" ? "Choose what is shown of each run, step by step." : "Choose what to draw."}</p>
      {images.error && kind === "images" && <Failure error={images.error} retry={() => void images.refetch()} />}
      <FilterField value={wanted} onChange={setWanted} placeholder={kind === "images" ? "Search pictures" : "Search metrics and parameters"} />
      <div style={{ maxHeight: 280, overflow: "auto" }}>
        {choices.slice(0, 200).map((name) => (
          <button type="button" key={name} className="row" style={{ width: "100%", height: 28, padding: "0 6px" }} aria-pressed={of.includes(name)} onClick={() => choose(name)}>
            {most > 1 && <span className="count" style={{ minWidth: 20, textAlign: "center" }}>{of.indexOf(name) + 1 || ""}</span>}
            <span className="grow clip">{kind === "images" ? name : titleOf(name)}</span>
            <span className="dim">{kind === "images" ? about(images.data?.series.find((one) => one.name === name)) : name.split(".")[0]}</span>
          </button>
        ))}
        {!choices.length && <p className="dim" style={{ padding: 8 }}>{kind !== "images" || wanted ? "Nothing is called that." : images.isFetching ? "Looking at what the runs logged" : "No run that is shown logged a picture: mlflow.log_image(image, key=\"mask\", step=3), or any picture among its artifacts."}</p>}
      </div>
    </Modal>
  );
}

const about = (one: ImageSeries | undefined): string => (one ? `${one.images} picture${one.images === 1 ? "" : "s"} of ${one.runs} run${one.runs === 1 ? "" : "s"}` : "");
