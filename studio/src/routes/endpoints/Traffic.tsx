// Shares of the requests as one bar: its borders are dragged or moved by keys, looked at, then applied.
import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { toast } from "sonner";
import type { DeploymentView, EndpointMetrics, EndpointView } from "../../data/api";
import { useAction } from "../../data/hooks";
import { Button, Card, copy } from "../../kit/basic";
import { value } from "../../lib/format";
import { quote } from "../../lib/snippets";
import { asTraffic, give, moveBorder, same, sharesOf, total, type Shares } from "../../lib/traffic";
import { colorOf, HATCH } from "./colors";

interface Draft {
  shares: Shares;
  mirror: Shares;
}

export function Traffic({ endpoint, deployments, metrics }: { endpoint: EndpointView; deployments: DeploymentView[]; metrics: EndpointMetrics | undefined }) {
  const names = deployments.map((item) => item.name);
  const now: Draft = { shares: sharesOf(names, endpoint.traffic as Record<string, number>), mirror: sharesOf(names, endpoint.mirror_traffic as Record<string, number>) };
  const [draft, setDraft] = useState<Draft | null>(null);
  const [looked, setLooked] = useState(false);
  const shown = draft && draft.shares.length === names.length ? draft : now;
  const changed = !same(shown.shares, now.shares) || !same(shown.mirror, now.mirror);
  const sum = total(shown.shares);
  const change = (part: Partial<Draft>) => setDraft({ ...shown, ...part });
  const drop = () => {
    setDraft(null);
    setLooked(false);
  };
  const said = Object.entries(asTraffic(shown.shares)).map(([name, share]) => `${name}=${share}`).join(" ");
  const mirrored = Object.entries(asTraffic(shown.mirror)).map(([name, share]) => `${name}=${share}`).join(" ");
  const cli = `zaffre online-endpoint update --name ${quote(endpoint.name)} --traffic ${quote(said)}${mirrored ? ` --mirror-traffic ${quote(mirrored)}` : ""}`;
  const update = useAction("online-endpoint.update", () => {
    drop();
    toast.success("Traffic changed", { action: { label: "Copy as CLI", onClick: () => void copy(cli) } });
  });
  const apply = () => update.mutate({ name: endpoint.name, changes: { traffic: asTraffic(shown.shares), mirror_traffic: asTraffic(shown.mirror) } });
  if (!names.length) return null;
  return (
    <Card
      title="Traffic"
      actions={
        <>
          {changed && <Button kind="small ghost" onClick={drop}>Discard</Button>}
          <Button kind="small" disabled={!changed} aria-expanded={looked} onClick={() => setLooked(!looked)}>Preview</Button>
          <Button kind="small primary" disabled={!changed || sum !== 100 || update.isPending} onClick={apply}>Apply</Button>
        </>
      }
    >
      <Bar shares={shown.shares} onChange={(shares) => change({ shares })} />
      {total(shown.mirror) > 0 && (
        <div className="mirrorbar" role="img" aria-label={`Copies: ${mirrored}`}>
          {shown.mirror.map(([name, share], at) => share > 0 && <i key={name} style={{ width: `${share}%`, background: HATCH(at), float: "left" }} />)}
        </div>
      )}
      <table className="plain" style={{ marginTop: 10 }}>
        <thead><tr><th>Deployment</th><th className="num" style={{ width: 120 }}>Share</th><th className="num" style={{ width: 130 }}>Copies</th></tr></thead>
        <tbody>
          {shown.shares.map(([name, share], at) => (
            <tr key={name}>
              <td><span className="row"><i className="dot" style={{ background: colorOf(at), borderRadius: 2 }} /><span className="clip">{name}</span></span></td>
              <td className="num"><Percent label={`Share of ${name}`} value={share} most={100} onChange={(to) => change({ shares: give(shown.shares, name, to) })} /></td>
              <td className="num"><Percent label={`Copies to ${name}`} value={shown.mirror[at]![1]} most={50} onChange={(to) => change({ mirror: shown.mirror.map(([other, before]) => [other, other === name ? to : before] as const) })} /></td>
            </tr>
          ))}
        </tbody>
      </table>
      {sum !== 100 && <p className="dim" style={{ marginTop: 8 }}>No deployment gets requests now. Give one of them a share.</p>}
      {looked && changed && <Preview before={now} after={shown} deployments={deployments} metrics={metrics} />}
    </Card>
  );
}

function Percent({ label, value: now, most, onChange }: { label: string; value: number; most: number; onChange: (to: number) => void }) {
  return (
    <span className="row" style={{ justifyContent: "flex-end", gap: 4 }}>
      <input className="input percent" type="number" min={0} max={most} step={1} aria-label={label} value={now} onChange={(event) => onChange(Math.max(0, Math.min(most, Math.round(Number(event.target.value) || 0))))} />
      <span className="dim">%</span>
    </span>
  );
}

function Bar({ shares, onChange }: { shares: Shares; onChange: (shares: Shares) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(shares);
  latest.current = shares;
  const edges = shares.slice(0, -1).map((_, at) => total(shares.slice(0, at + 1)));
  const drag = (at: number) => (event: PointerEvent) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const place = box.current!.getBoundingClientRect();
    const wanted = (100 * (event.clientX - place.left)) / place.width;
    onChange(moveBorder(latest.current, at, Math.round(wanted) - total(latest.current.slice(0, at + 1))));
  };
  const press = (at: number) => (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -100, End: 100 };
    const by = steps[event.key];
    if (by === undefined) return;
    event.preventDefault();
    onChange(moveBorder(shares, at, event.shiftKey ? by * 10 : by));
  };
  return (
    <div className="shares" ref={box}>
      {shares.map(([name, share], at) => <i key={name} style={{ width: `${share}%`, background: colorOf(at) }} title={`${name}: ${share} %`} />)}
      {total(shares) > 0 &&
        edges.map((edge, at) => (
          <div
            key={shares[at]![0]}
            className="border"
            role="slider"
            tabIndex={0}
            aria-label={`Border between ${shares[at]![0]} and ${shares[at + 1]![0]}`}
            aria-valuemin={edge - shares[at]![1]}
            aria-valuemax={edge + shares[at + 1]![1]}
            aria-valuenow={edge}
            aria-valuetext={`${shares[at]![0]} ${shares[at]![1]} %, ${shares[at + 1]![0]} ${shares[at + 1]![1]} %`}
            style={{ left: `${edge}%` }}
            onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
            onPointerMove={drag(at)}
            onKeyDown={press(at)}
          />
        ))}
    </div>
  );
}

/** What the change would do, from what was measured. */
function Preview({ before, after, deployments, metrics }: { before: Draft; after: Draft; deployments: DeploymentView[]; metrics: EndpointMetrics | undefined }) {
  const seconds = metrics ? Math.max(0, ...metrics.items.map((item) => item.per_s.filter((one) => one !== null).length)) * metrics.step_s : 0; // known
  const rate = metrics && seconds ? metrics.items.reduce((sum, item) => sum + item.requests, 0) / seconds : 0;
  return (
    <div className="note" style={{ marginTop: 10 }} role="status">
      <table className="plain" style={{ background: "transparent" }}>
        <thead><tr><th style={{ background: "transparent" }}>If applied</th><th style={{ background: "transparent" }}>Share</th><th style={{ background: "transparent" }}>Requests/s</th><th style={{ background: "transparent" }}>Mind</th></tr></thead>
        <tbody>
          {after.shares.map(([name, share], at) => {
            const seen = metrics?.items.find((item) => item.deployment === name);
            const state = deployments[at]?.provisioning_state;
            const bad = seen && seen.requests ? (seen.failed + seen.rejected) / seen.requests : 0;
            const mind = [share > 0 && state !== "Succeeded" ? `it is ${state?.toLowerCase()}` : "", share > before.shares[at]![1] && seen && !seen.requests ? "it was not asked in the last minutes" : "", bad > 0.01 ? `${value(100 * bad)} % of its answers were errors` : ""].filter(Boolean);
            return (
              <tr key={name}>
                <td>{name}</td>
                <td>{before.shares[at]![1]} % → <b>{share} %</b>{after.mirror[at]![1] > 0 && <span className="dim"> and {after.mirror[at]![1]} % copies</span>}</td>
                <td>{rate ? `about ${value(Number(((rate * (share + after.mirror[at]![1])) / 100).toPrecision(2)))}` : "none now"}</td>
                <td style={{ color: mind.length ? "var(--warn)" : undefined }}>{mind.join("; ") || "–"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p style={{ marginTop: 8 }}>A deployment that gets more and turns out worse goes back by itself; the history has every change, and takes it back with one click.</p>
    </div>
  );
}
