// How the endpoint does now: rates, latencies and errors on one range of time.
import { useMemo } from "react";
import type { EndpointMetrics } from "../../data/api";
import { LineChart, type Line } from "../../charts/LineChart";
import { useAddress } from "../../data/nav";
import { Card, Segments } from "../../kit/basic";
import { count, value } from "../../lib/format";

export const RANGES = [["120", "2 min"], ["300", "5 min"], ["900", "15 min"]] as const;
const numbers = (column: (number | null)[]): number[] => column.map((item) => item ?? NaN);
const two = (number: number | null | undefined): string => (number === null || number === undefined ? "–" : value(Number(number.toPrecision(3))));

export function Live({ metrics, names, range }: { metrics: EndpointMetrics; names: string[]; range: string }) {
  const [address, setAddress] = useAddress();
  const items = names.map((name) => metrics.items.find((item) => item.deployment === name)).filter((item) => !!item);
  const busiest = [...items].sort((one, other) => other.requests - one.requests)[0];
  const chosen = items.find((item) => item.deployment === address.of) ?? busiest;
  const x = useMemo(() => metrics.at.map((at) => at * 1000), [metrics]);
  const of = (key: "per_s" | "errors_per_s"): Line[] => items.map((item) => ({ id: item.deployment, name: item.deployment, color: `--c${(names.indexOf(item.deployment) % 10) + 1}`, last: numbers(item[key]) }));
  const [rates, errors] = useMemo(() => [of("per_s"), of("errors_per_s")], [metrics]);
  const latency = useMemo<Line[]>(
    () =>
      chosen
        ? [
            { id: "p50", name: "p50", color: "--c3", last: numbers(chosen.p50) },
            { id: "p95", name: "p95", color: "--c2", last: numbers(chosen.p95) },
            { id: "p99", name: "p99", color: "--c4", dash: [5, 3], last: numbers(chosen.p99) },
          ]
        : [],
    [metrics, chosen?.deployment],
  );
  const seconds = metrics.at.length * metrics.step_s;
  const known = (item: (typeof items)[number]): number => item.per_s.filter((one) => one !== null).length * metrics.step_s;
  return (
    <Card
      title="Now"
      flush
      actions={
        <>
          {items.length > 1 && chosen && <Segments label="Latency of" value={chosen.deployment} options={items.map((item) => [item.deployment, item.deployment] as const)} onChange={(to) => setAddress({ of: to })} />}
          <Segments label="Range" value={range} options={RANGES} onChange={(to) => setAddress({ range: to === "300" ? undefined : to })} />
        </>
      }
    >
      <div style={{ overflow: "auto" }}>
        <table className="plain">
          <thead><tr><th>Deployment</th><th className="num">Requests/s</th><th className="num">p50 ms</th><th className="num">p95 ms</th><th className="num">p99 ms</th><th className="num">Errors</th><th className="num">Under way</th><th className="num">Waiting</th><th className="num">Workers</th></tr></thead>
          <tbody>
            {items.map((item) => (
              <tr key={item.deployment}>
                <td>{item.deployment}</td>
                <td className="num">{known(item) ? two(item.requests / known(item)) : "–"}</td>
                <td className="num">{two(item.p50_ms)}</td>
                <td className="num">{two(item.p95_ms)}</td>
                <td className="num">{two(item.p99_ms)}</td>
                <td className="num" style={{ color: item.failed + item.rejected ? "var(--bad)" : undefined }}>{count(item.failed + item.rejected)} of {count(item.requests)}</td>
                <td className="num">{item.in_flight}</td>
                <td className="num">{item.waiting}</td>
                <td className="num">{item.workers}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {items.length > 0 && (
        <div style={{ display: "grid", gridTemplateColumns: "repeat(3, minmax(0, 1fr))", gap: 8, padding: "10px 12px 4px" }}>
          <Panel title="Requests/s"><LineChart x={x} unit="wall" lines={rates} label="Requests per second" height={140} /></Panel>
          <Panel title={`Latency of ${chosen?.deployment}, ms`} legend={latency}><LineChart x={x} unit="wall" lines={latency} label="Latency in milliseconds" height={140} /></Panel>
          <Panel title="Errors/s">{items.some((item) => item.failed + item.rejected) ? <LineChart x={x} unit="wall" lines={errors} label="Errors per second" height={140} /> : <p className="dim" style={{ height: 140, display: "grid", placeItems: "center" }}>None in this time</p>}</Panel>
        </div>
      )}
      <p className="dim" style={{ padding: "0 12px 10px", fontSize: 11 }}>
        {items.length ? `Over the last ${Math.round(seconds / 60)} min in steps of ${value(metrics.step_s)} s. Percentiles are estimated from buckets of the latency; errors are answers of 5xx and requests turned away.` : "Nothing is known yet: figures come as soon as a deployment runs."}
      </p>
    </Card>
  );
}

const Panel = ({ title, legend, children }: { title: string; legend?: Line[]; children: React.ReactNode }) => (
  <div style={{ minWidth: 0 }}>
    <div className="row" style={{ gap: 10 }}>
      <h3 className="clip">{title}</h3>
      {legend?.map((line) => <span key={line.id} className="row dim" style={{ gap: 4, fontSize: 11 }}><i className="swatch" style={{ borderColor: `var(${line.color})`, borderTopStyle: line.dash ? "dashed" : "solid" }} />{line.name}</span>)}
    </div>
    {children}
  </div>
);
