// Move an alias by a rule: say by what, look at what would happen and why, then do it.
import { useState } from "react";
import type { AssetView, PromotionView } from "../../data/api";
import { call } from "../../data/client";
import { useAction, useApi, useWorkspace } from "../../data/hooks";
import { Button, Chip, Failure } from "../../kit/basic";
import { Modal } from "../../kit/dialog";
import { value } from "../../lib/format";
import { goalOf } from "../../lib/model";
import { quote } from "../../lib/snippets";

const ALIASES = ["champion", "challenger", "production", "staging"];

export function Promote({ item, close }: { item: AssetView; close: () => void }) {
  const workspace = useWorkspace();
  const data = useApi("data.list", { max_results: 500 });
  const metrics = Object.keys((item.metrics as Record<string, number>) ?? {});
  const [alias, setAlias] = useState("champion");
  const [metric, setMetric] = useState("");
  const [goal, setGoal] = useState("");
  const [held, setHeld] = useState("");
  const [delta, setDelta] = useState("");
  const [approval, setApproval] = useState(false);
  const [told, setTold] = useState<PromotionView | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const request = {
    name: item.name, version: item.version, alias,
    ...(metric ? { metric } : {}), ...(goal ? { goal } : {}), ...(held ? { data: held } : {}),
    ...(delta ? { min_delta: Number(delta) } : {}), ...(approval ? { require_approval: true } : {}),
  };
  const look = async () => {
    setBusy(true);
    setError(null);
    try {
      setTold(await call("model.promote", { workspace, ...request, dry_run: true }));
    } catch (failure) {
      setTold(null);
      setError(failure as Error);
    }
    setBusy(false);
  };
  const promote = useAction("model.promote", setTold, ["audit."]);
  const changed = <T,>(set: (to: T) => void) => (to: T) => {
    set(to);
    setTold(null);
  };
  const cli = `zaffre model promote ${quote(item.name)} --version ${quote(item.version)} --alias ${quote(alias)}${metric ? ` --metric ${quote(metric)}` : ""}${goal ? ` --goal ${goal}` : ""}${held ? ` --data ${quote(held)}` : ""}${delta ? ` --min-delta ${delta}` : ""}${approval ? " --require-approval" : ""}`;
  return (
    <Modal
      open
      close={close}
      title={`Promote ${item.name}:${item.version}`}
      actions={
        <>
          <Button disabled={busy} onClick={() => void look()}>Look first</Button>
          <Button kind="primary" disabled={promote.isPending} onClick={() => promote.mutate(request)}>Promote</Button>
        </>
      }
    >
      <p className="ink2">The alias moves only if this version is better than the one which has it, measured on the same held-out data. What is left empty is what the rule of the alias says already.</p>
      <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 10 }}>
        <label className="col" style={{ gap: 4 }}>Alias<input className="input" list="aliases" value={alias} onChange={(event) => changed(setAlias)(event.target.value)} /></label>
        <label className="col" style={{ gap: 4 }}>Metric
          <input className="input" list="metrics-there" value={metric} placeholder="as the rule says" onChange={(event) => { changed(setMetric)(event.target.value); setGoal(goalOf(event.target.value) ?? ""); }} />
        </label>
        <label className="col" style={{ gap: 4 }}>Better is<select className="select" value={goal} onChange={(event) => changed(setGoal)(event.target.value)}><option value="">as the rule says</option><option value="maximize">higher</option><option value="minimize">lower</option></select></label>
        <label className="col" style={{ gap: 4 }}>By at least<input className="input" type="number" min={0} step="any" value={delta} placeholder="anything" onChange={(event) => changed(setDelta)(event.target.value)} /></label>
        <label className="col" style={{ gap: 4 }}>Held-out data<input className="input" list="held-out" value={held} placeholder="what it was measured on" onChange={(event) => changed(setHeld)(event.target.value)} /></label>
        <label className="row" style={{ alignSelf: "end", minHeight: 28 }}><input type="checkbox" checked={approval} onChange={(event) => changed(setApproval)(event.target.checked)} />Only when approved</label>
      </div>
      <datalist id="aliases">{ALIASES.map((word) => <option key={word} value={word} />)}</datalist>
      <datalist id="metrics-there">{metrics.map((word) => <option key={word} value={word} />)}</datalist>
      <datalist id="held-out">{data.data?.items.map((one) => <option key={one.name} value={`${one.name}:${one.version}`} />)}</datalist>
      {told && <Verdict told={told} done={promote.isSuccess} />}
      {(error ?? promote.error) && <Failure error={(error ?? promote.error)!} />}
      <pre className="code">{cli}</pre>
    </Modal>
  );
}

function Verdict({ told, done }: { told: PromotionView; done: boolean }) {
  const side = (title: string, one: PromotionView["challenger"] | null | undefined) => (
    <div>
      <div className="dim">{title}{one ? ` · version ${one.version}` : ""}</div>
      <b style={{ fontSize: 17 }}>{one?.value === null || one?.value === undefined ? "not measured" : value(one.value)}</b>
    </div>
  );
  return (
    <div className={`note ${told.moved ? "" : "warn"}`} role="status">
      <div className="row" style={{ gap: 24, marginBottom: 6 }}>
        {side("This one", told.challenger)}
        {told.champion ? side(`Has ${told.alias} now`, told.champion) : <div className="dim">nobody has {told.alias} yet</div>}
        <span className="grow" />
        <Chip kind={told.moved ? "ok" : ""}>{told.moved ? "moved" : done ? "kept" : told.outcome}</Chip>
      </div>
      <p>{told.reason}</p>
      <p className="dim">{told.metric}, {told.goal === "maximize" ? "higher" : "lower"} is better{told.min_delta ? ` by at least ${value(told.min_delta)}` : ""}{told.data ? `, on ${told.data}` : ""}</p>
    </div>
  );
}

/** Point an alias here by hand; one with a rule wants a reason. */
export function AliasDialog({ item, close }: { item: AssetView; close: () => void }) {
  const [alias, setAlias] = useState("");
  const [reason, setReason] = useState("");
  const [force, setForce] = useState(false);
  const set = useAction("model.set_alias", () => close(), ["audit."]);
  return (
    <Modal
      open
      close={close}
      title={`Point an alias to ${item.name}:${item.version}`}
      actions={<Button kind="primary" disabled={!alias.trim() || (force && !reason.trim()) || set.isPending} onClick={() => set.mutate({ name: item.name, alias: alias.trim(), version: item.version, ...(reason.trim() ? { reason: reason.trim() } : {}), force })}>Point here</Button>}
    >
      <label className="col" style={{ gap: 4 }}>Alias<input className="input" autoFocus list="aliases-hand" value={alias} onChange={(event) => setAlias(event.target.value)} /></label>
      <datalist id="aliases-hand">{ALIASES.map((word) => <option key={word} value={word} />)}</datalist>
      <label className="col" style={{ gap: 4 }}>Reason<input className="input" value={reason} onChange={(event) => setReason(event.target.value)} /></label>
      <label className="row"><input type="checkbox" checked={force} onChange={(event) => setForce(event.target.checked)} />Even if the alias has a rule (needs a reason)</label>
      {set.error && <Failure error={set.error} />}
    </Modal>
  );
}
