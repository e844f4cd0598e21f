import type { AssetView } from "../../data/api";
import { assetPath, jobPath, useGo } from "../../data/nav";
import { Chip } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { Grid, type Column } from "../../kit/Grid";
import { ago, bytes, moment, value } from "../../lib/format";

const metricsOf = (item: AssetView): Record<string, number> => (item.metrics ?? {}) as Record<string, number>;
const MOST = 5;

export function Versions({ items, now }: { items: AssetView[]; now: string }) {
  const go = useGo();
  const keys = [...new Set(items.flatMap((item) => Object.keys(metricsOf(item))))].slice(0, MOST);
  const columns: Column<AssetView>[] = [
    { key: "version", title: "Version", width: 90, pin: true, render: (item) => <Go to={assetPath("models", item.name)} search={{ version: item.version }} className="link mono">{item.version}</Go> },
    { key: "labels", title: "Aliases", width: 180, render: (item) => <span className="row" style={{ gap: 4 }}>{(item.labels ?? []).map((label) => <Chip key={label} kind={label === "latest" ? "" : "accent"}>{label}</Chip>)}{item.archived && <Chip kind="warn">archived</Chip>}</span> },
    { key: "approval", title: "Approval", width: 100, render: (item) => { const state = item.approval as string | undefined; return state ? <Chip kind={state === "Approved" ? "ok" : state === "Rejected" ? "bad" : "warn"}>{state.toLowerCase()}</Chip> : <span className="dim">–</span>; } },
    ...keys.map((key): Column<AssetView> => ({ key: `metric ${key}`, title: key, label: key, width: 110, end: true, sort: (one, other) => (metricsOf(one)[key] ?? -Infinity) - (metricsOf(other)[key] ?? -Infinity), render: (item) => value(metricsOf(item)[key]) })),
    { key: "created", title: "Created", width: 120, render: (item) => <span title={moment(item.created_at)}>{ago(item.created_at)}</span> },
    { key: "job", title: "Made by", width: 180, grow: true, render: (item) => (item.job_name ? <Go to={jobPath(item.job_name)} className="link mono clipt">{item.job_name}</Go> : <span className="dim">{String((item.creation_context as any)?.created_by ?? "")}</span>) },
    { key: "bytes", title: "Size", width: 80, end: true, render: (item) => bytes(item.bytes as number) },
    { key: "about", title: "About", width: 200, grow: true, render: (item) => <span className="clipt ink2">{item.description}</span> },
  ];
  return <div className="full" style={{ borderTop: 0 }}><Grid rows={items} columns={columns} id={(item) => item.version} label="Versions" current={now} open={(item) => go(assetPath("models", item.name), { version: item.version })} /></div>;
}
