// The pictures that runs logged, side by side, at one step of all.
import { useMemo, useState, type ReactNode } from "react";
import type { RunImage } from "../../data/api";
import type { ChartRun } from "../../charts/MetricPanel";
import { fileUrl } from "../../data/client";
import { useApi, useWorkspace } from "../../data/hooks";
import { jobPath } from "../../data/nav";
import { Button, Failure, Skeleton } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { count } from "../../lib/format";
import { slot } from "../../lib/slots";

const MOST = 24; // runs whose pictures are shown at once

export default function Images({ series, runs, close, grip }: { series: string; runs: ChartRun[]; close: () => void; grip: ReactNode }) {
  const live = runs.some((run) => run.live);
  const shown = runs.slice(0, MOST);
  const found = useApi("runs.images", { runs: shown.map((run) => run.name), series, max_results: 10_000 }, { enabled: shown.length > 0, refetchInterval: live ? 4_000 : false });
  const [chosen, setChosen] = useState<number | null>(null); // the last one, as it comes
  const [large, setLarge] = useState(false);
  const items = found.data?.items;
  const steps = useMemo(() => [...new Set((items ?? []).map((item) => item.step).filter((step) => step !== null && step !== undefined))].sort((one, other) => one - other), [items]);
  const by = useMemo(() => {
    const of = new Map<string, RunImage[]>();
    for (const item of items ?? []) of.set(item.run, [...(of.get(item.run) ?? []), item]);
    return of;
  }, [items]);
  const place = chosen === null ? steps.length - 1 : Math.max(0, steps.findLastIndex((step) => step <= chosen));
  const step = steps[place];
  const drawn = shown.filter((run) => by.has(run.name));
  return (
    <section className="panel" style={{ gridColumn: "span 12" }} aria-label={`Pictures of ${series}`}>
      <header>
        <h3 title={series}>{series}</h3>
        {steps.length > 1 && (
          <label className="row">
            <span className="dim">step {step}</span>
            <input type="range" aria-label="Step" aria-valuetext={`step ${step}`} min={0} max={steps.length - 1} value={place} style={{ width: 180 }} onChange={(event) => setChosen(steps[Number(event.target.value)]!)} />
          </label>
        )}
        <Button kind="ghost small" aria-pressed={large} onClick={() => setLarge(!large)}>Large</Button>
        {grip}
        <Button kind="ghost small" icon="close" tip="Take this chart away" onClick={close} />
      </header>
      <div className="plot" style={{ padding: "4px 10px 8px" }}>
        {found.error && <Failure error={found.error} retry={() => void found.refetch()} />}
        {!found.data && !found.error && shown.length > 0 && <Skeleton lines={4} />}
        {(shown.length === 0 || (found.data && !drawn.length)) && <div className="empty" style={{ minHeight: 120 }}>No run that is shown logged it.</div>}
        <ul style={{ display: "grid", gap: 10, gridTemplateColumns: `repeat(auto-fill, minmax(${large ? 420 : 190}px, 1fr))` }}>
          {drawn.map((run) => <Shot key={run.name} run={run} image={at(by.get(run.name)!, step)} wanted={step} />)}
        </ul>
      </div>
      <div className="foot">
        <span>{count(drawn.length)} of {count(runs.length)} run{runs.length === 1 ? "" : "s"} that {runs.length === 1 ? "is" : "are"} shown</span>
        {runs.length > MOST && <span>the first {MOST} are looked at</span>}
        {found.data && !found.data.complete && <span>there are more pictures than are shown here</span>}
      </div>
    </section>
  );
}

/** The last one up to this step; of a run that begins later, none. */
function at(images: RunImage[], step: number | undefined): RunImage | undefined {
  if (step === undefined) return images.at(-1);
  return images.findLast((image) => image.step === null || image.step === undefined || image.step <= step);
}

function Shot({ run, image, wanted }: { run: ChartRun; image: RunImage | undefined; wanted: number | undefined }) {
  const workspace = useWorkspace();
  const [broken, setBroken] = useState<string | null>(null);
  const { color, dash } = slot(run.slot);
  return (
    <li style={{ minWidth: 0 }}>
      <div className="row" style={{ minHeight: 24 }}>
        <i className="swatch" style={{ borderColor: `var(${color})`, borderTopStyle: dash ? "dashed" : "solid" }} />
        <Go to={jobPath(run.name)} search={{ tab: "outputs", path: image?.path }} className="link clip grow">{run.title}</Go>
        {image?.step !== null && image?.step !== undefined && image.step !== wanted && <span className="dim">step {image.step}</span>}
      </div>
      <div className="shot">
        {!image ? (
          <span className="dim">Nothing up to this step</span>
        ) : broken === image.path ? (
          <span className="dim">The file is no picture</span>
        ) : (
          <img loading="lazy" decoding="async" alt={`${image.path} of ${run.title}`} src={fileUrl({ workspace, name: run.name, area: "artifacts", path: image.path })} onError={() => setBroken(image.path)} />
        )}
      </div>
    </li>
  );
}
