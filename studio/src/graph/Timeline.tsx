import type { JobView } from "../data/api";
import { jobPath, useGo } from "../data/nav";
import { Answer, Empty, Status } from "../kit/basic";
import { between, duration, middle } from "../lib/format";
import { isLive, look } from "../lib/status";
import { useNow } from "../routes/run/clock";
import { useStates } from "./states";

const COLORS: Record<string, string> = { ok: "--ok", bad: "--bad", accent: "--accent", cache: "--cache", dim: "--ink-3", warn: "--warn" };

export default function Timeline({ job }: { job: JobView }) {
  const states = useStates(job);
  const live = isLive(job.status);
  const now = useNow(live);
  const go = useGo();
  return (
    <Answer of={states}>
      {(data) => {
        const items = (data.items ?? []).filter((item) => item.created_at).sort((one, other) => Date.parse(one.started_at ?? one.created_at!) - Date.parse(other.started_at ?? other.created_at!));
        if (!items.length) return <Empty title="No step has begun" />;
        const ends = items.map((item) => Date.parse(item.ended_at ?? "") || now);
        const from = Date.parse(job.started_at ?? job.created_at ?? items[0]!.created_at!);
        const to = Math.max(from + 100, live ? now : Math.max(...ends));
        const at = (moment: string | null | undefined, otherwise: number) => ((moment ? Math.max(from, Date.parse(moment)) : otherwise) - from) / (to - from);
        return (
          <div className="timeline" tabIndex={0} role="region" aria-label="Timeline">
            <div className="tl dim" style={{ position: "sticky", top: -8, background: "var(--bg)", zIndex: 1 }}>
              <span>Step</span>
              <span className="row" style={{ justifyContent: "space-between" }}>{[0, 0.25, 0.5, 0.75, 1].map((part) => <span key={part}>{part ? duration(((to - from) / 1000) * part) : "0"}</span>)}</span>
              <span className="num">Duration</span>
            </div>
            {items.slice(0, 1500).map((item) => {
              const { role } = look(item.status, !!item.reused_from);
              const begin = at(item.started_at ?? item.created_at, now);
              const queued = at(item.created_at, now);
              const end = Math.max(begin, at(item.ended_at, item.started_at || item.reused_from ? (live ? now : to) : Date.parse(item.created_at!)));
              return (
                <button type="button" key={item.job} className="tl" onClick={() => go(jobPath(item.job))} title={`${item.node}: ${look(item.status, !!item.reused_from).label}`}>
                  <span className="row"><Status status={item.status} reused={!!item.reused_from} label={false} /><span className="clip">{middle(item.node, 24)}</span></span>
                  <span className="track">
                    {begin > queued && <i className="wait" style={{ left: `${queued * 100}%`, width: `${(begin - queued) * 100}%` }} />}
                    <i style={{ left: `${Math.min(begin, 0.995) * 100}%`, width: `${(end - begin) * 100}%`, background: `var(${COLORS[role]})` }} />
                  </span>
                  <span className="num dim">{item.reused_from ? "reused" : duration(between(item.started_at, item.ended_at, now))}</span>
                </button>
              );
            })}
          </div>
        );
      }}
    </Answer>
  );
}
