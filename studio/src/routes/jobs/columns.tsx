import { jobPath } from "../../data/nav";
import { Chip, Status } from "../../kit/basic";
import { Go } from "../../kit/Go";
import type { Column } from "../../kit/Grid";
import { Icon } from "../../kit/Icon";
import { field } from "../../lib/filter";
import { ago, duration, moment, value } from "../../lib/format";
import { slot } from "../../lib/slots";
import { valueOf, type Jobs, type Run } from "./state";

export interface Group {
  group: string;
  rows: Run[];
  open: boolean;
}
export type Row = Run | Group;
export const isGroup = (row: Row): row is Group => "group" in row;
export const idOf = (row: Row): string => (isGroup(row) ? `group:${row.group}` : row.name);

const TITLES: Record<string, string> = { status: "Status", created_at: "Created", started_at: "Started", ended_at: "Ended", duration_s: "Duration", experiment_name: "Experiment", type: "Type", created_by: "By", compute: "Compute", parent_job_name: "Parent", node: "Step", reused_from: "Reused from", display_name: "Name" };
export const titleOf = (name: string): string => (field(name).kind === "own" ? (TITLES[name] ?? name) : field(name).key);
const WIDTHS: Record<string, number> = { status: 112, created_at: 128, started_at: 128, ended_at: 128, duration_s: 96, experiment_name: 130, type: 90, created_by: 80, compute: 90 };

export function makeColumns(jobs: Jobs, toggleGroup: (group: string) => void): Column<Row>[] {
  const { columns, visible, slots, baseline, selected, keys } = jobs;
  const shown = new Set(visible);
  const ranges = new Map(keys.filter((item) => item.kind === "metrics").map((item) => [item.key, item]));
  const base = baseline ? jobs.rows.find((row) => row.name === baseline) : undefined;
  return [
    {
      key: "eye",
      title: <Icon name="eye" size={14} />,
      label: "In charts",
      width: 58,
      pin: true,
      render: (row) => {
        if (isGroup(row)) return <button type="button" className="hit" aria-label={row.open ? "Fold" : "Unfold"} onClick={() => toggleGroup(row.group)}><Icon name={row.open ? "down" : "right"} size={13} /></button>;
        const on = shown.has(row.name);
        const { color } = slot(slots.get(row.name));
        return (
          <>
            <button type="button" tabIndex={-1} aria-label={selected.has(row.name) ? "Deselect" : "Select"} className="check" data-on={selected.has(row.name)} onClick={() => { const next = new Set(selected); if (!next.delete(row.name)) next.add(row.name); jobs.select(next); }}>{selected.has(row.name) && <Icon name="check" size={12} />}</button>
            <button type="button" tabIndex={-1} className="hit" style={{ width: 20 }} aria-pressed={on} aria-label={on ? "Hide in charts" : "Show in charts"} onClick={() => jobs.toggle(row.name)}>
              <i className="eye" style={{ borderColor: on ? `var(${color})` : "var(--edge)", background: on ? `var(${color})` : "transparent" }} />
            </button>
          </>
        );
      },
    },
    {
      key: "name",
      title: "Name",
      width: 210,
      grow: true,
      sort: "display_name",
      render: (row) =>
        isGroup(row) ? (
          <button type="button" className="row" onClick={() => toggleGroup(row.group)}><span className="clipt">{titleOf(jobs.group!)}: {row.group}</span><span className="count">{row.rows.length}</span></button>
        ) : (
          <>
            <Go to={jobPath(row.name)} className="link clipt" title={row.name}>{row.display_name || row.name}</Go>
            {row.name === baseline && <Chip kind="accent">baseline</Chip>}
            {row.type === "pipeline" && <span className="dim" title="Pipeline"><Icon name="pipelines" size={14} /></span>}
          </>
        ),
    },
    ...columns.map((name): Column<Row> => {
      const { kind, key } = field(name);
      const numeric = kind === "metrics" || name === "duration_s";
      const range = kind === "metrics" ? ranges.get(key) : undefined;
      return {
        key: name,
        title: titleOf(name),
        label: name,
        width: WIDTHS[name] ?? Math.max(kind === "metrics" ? 104 : 96, Math.min(200, 34 + 7 * key.length)),
        end: numeric,
        sort: name,
        render: (row) => {
          if (isGroup(row)) return numeric ? <Mean rows={row.rows} name={name} /> : null;
          const at = valueOf(row, name);
          if (name === "status") return <Status status={row.status ?? ""} reused={!!row.reused_from} />;
          if (at === undefined || at === null) return <span className="dim">–</span>;
          if (name.endsWith("_at")) return <span className="ink2" title={moment(String(at))}>{ago(String(at))}</span>;
          if (name === "duration_s") return duration(Number(at));
          if (kind === "metrics") {
            const share = range && typeof at === "number" && range.max! > range.min! ? (at - range.min!) / (range.max! - range.min!) : null;
            const other = base && base !== row ? valueOf(base, name) : undefined;
            return (
              <>
                {share !== null && Number.isFinite(share) && <i style={{ position: "absolute", left: 8, bottom: 3, height: 2, width: `calc(${Math.max(0, Math.min(1, share)) * 100}% - ${16 * Math.max(0, Math.min(1, share))}px)`, background: "var(--line-2)", borderRadius: 1 }} />}
                {typeof other === "number" && typeof at === "number" && <span className="dim" style={{ fontSize: 11 }}>{at - other >= 0 ? "+" : ""}{value(at - other)}</span>}
                <span>{value(at)}</span>
              </>
            );
          }
          return <span className={`clipt ${kind === "own" ? "ink2" : ""}`} title={String(at)}>{String(at)}</span>;
        },
      };
    }),
  ];
}

function Mean({ rows, name }: { rows: Run[]; name: string }) {
  const found = rows.map((row) => valueOf(row, name)).filter((at): at is number => typeof at === "number" && Number.isFinite(at));
  if (!found.length) return null;
  const mean = found.reduce((sum, at) => sum + at, 0) / found.length;
  return <span className="dim" title={`mean of ${found.length}`}>⌀ {name === "duration_s" ? duration(mean) : value(mean)}</span>;
}
