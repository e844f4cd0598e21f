// How all charts of a page are drawn: x axis, smoothing, scale. In the address, so that a link shows the same.
import { useAddress } from "../data/nav";
import { Button } from "../kit/basic";
import { Pop } from "../kit/opener";
import type { ChartSettings } from "./MetricPanel";
import { smoothing } from "./MetricPanel";

export function useChartSettings(): [ChartSettings, (changes: Partial<ChartSettings>) => void] {
  const [address, setAddress] = useAddress();
  const settings = { x: address.x ?? "step", smooth: address.smooth ?? "none", log: address.log === "1" };
  return [
    settings,
    (changes) => {
      const next = { ...settings, ...changes };
      setAddress({ x: next.x === "step" ? undefined : next.x, smooth: next.smooth === "none" ? undefined : next.smooth, log: next.log ? "1" : undefined });
    },
  ];
}

const KINDS = [["none", "None", 0, 0, 0], ["ema", "Exponential (x-aware)", 0.6, 0, 0.99], ["mean", "Running mean", 10, 2, 200], ["gaussian", "Gaussian", 3, 1, 50]] as const;

export function ChartBar({ settings, onChange }: { settings: ChartSettings; onChange: (changes: Partial<ChartSettings>) => void }) {
  const { kind, amount } = smoothing(settings.smooth);
  const known = KINDS.find(([key]) => key === kind) ?? KINDS[0];
  return (
    <div className="row">
      <select className="select" aria-label="X axis" value={settings.x} onChange={(event) => onChange({ x: event.target.value })}>
        <option value="step">Step</option>
        <option value="relative">Relative time</option>
        <option value="wall">Wall time</option>
      </select>
      <Pop trigger={<Button icon="chart">{kind === "none" ? "Smoothing" : `${known[1].split(" ")[0]} ${amount}`}</Button>} width={260}>
        <div className="col">
          <h3>Smoothing</h3>
          {KINDS.map(([key, title, start]) => (
            <label key={key} className="row" style={{ minHeight: 24 }}>
              <input type="radio" name="smooth" checked={kind === key} onChange={() => onChange({ smooth: key === "none" ? "none" : `${key}:${start}` })} />
              {title}
            </label>
          ))}
          {kind !== "none" && (
            <label className="row">
              <input type="range" className="grow" aria-label="Amount" min={known[3]} max={known[4]} step={kind === "ema" ? 0.01 : 1} value={amount} onChange={(event) => onChange({ smooth: `${kind}:${event.target.value}` })} />
              <span className="num" style={{ width: 40 }}>{amount}</span>
            </label>
          )}
          <p className="dim">Smoothed at full resolution, then bucketed. The band shows the raw values.</p>
        </div>
      </Pop>
      <Button aria-pressed={settings.log} onClick={() => onChange({ log: !settings.log })} tip="Logarithmic y axis">Log</Button>
    </div>
  );
}
