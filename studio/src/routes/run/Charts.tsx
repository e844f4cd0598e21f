import { useState } from "react";
import { MetricPanel } from "../../charts/MetricPanel";
import { ChartBar, useChartSettings } from "../../charts/ChartBar";
import type { JobView } from "../../data/api";
import { useApi } from "../../data/hooks";
import { useAddress } from "../../data/nav";
import { Answer, Empty, FilterField } from "../../kit/basic";
import { isLive } from "../../lib/status";

const SHOWN = 24; // panels that ask at once

export default function Charts({ job }: { job: JobView }) {
  const live = isLive(job.status);
  const metrics = useApi("metrics.list" as never, { name: job.name }, { refetchInterval: live ? 3_000 : false });
  const [address, setAddress] = useAddress();
  const [settings, setSettings] = useChartSettings();
  const [range, setRange] = useState<[number, number] | null>(null);
  const [most, setMost] = useState(SHOWN);
  return (
    <Answer of={metrics as any}>
      {(data: any) => {
        const wanted = (address.metric ?? "").toLowerCase();
        const keys = (data.items as { key: string }[]).map((item) => item.key).filter((key) => key.toLowerCase().includes(wanted));
        if (!data.items.length) {
          return (
            <Empty title="No metrics" snippet={'import mlflow\n\nmlflow.log_metric("loss", 0.3, step=1)'}>
              {live ? "Nothing was logged yet. Curves appear here as they grow." : "The run logged none. Three lines of Python do:"}
            </Empty>
          );
        }
        return (
          <>
            <div className="toolbar" style={{ paddingTop: 8 }}>
              <FilterField value={address.metric ?? ""} onChange={(metric) => setAddress({ metric })} placeholder={`Filter ${data.items.length} metrics`} />
              <ChartBar settings={settings} onChange={setSettings} />
            </div>
            <div className="panels" style={{ borderTop: "1px solid var(--line)" }} tabIndex={0} role="region" aria-label="Charts">
              {keys.slice(0, most).map((key) => (
                <MetricPanel key={key} metric={key} runs={[{ name: job.name, title: job.display_name ?? job.name, slot: 0, live }]} settings={settings} range={range} onRange={setRange} span={keys.length === 1 ? 12 : 4} />
              ))}
              {keys.length > most && (
                <button type="button" className="btn" style={{ gridColumn: "span 12" }} onClick={() => setMost(most + SHOWN)}>
                  {most} of {keys.length} metrics: show {Math.min(SHOWN, keys.length - most)} more
                </button>
              )}
              {!keys.length && <div style={{ gridColumn: "span 12" }}><Empty title="No metric has this name">0 of {data.items.length} match.</Empty></div>}
            </div>
          </>
        );
      }}
    </Answer>
  );
}
