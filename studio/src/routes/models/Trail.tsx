// Who did what to a model, when and why.
import { useState } from "react";
import type { AuditEntry } from "../../data/api";
import { useApi } from "../../data/hooks";
import { assetPath } from "../../data/nav";
import { Answer, Button, Chip, Empty } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { ago, moment } from "../../lib/format";

const KINDS: Record<string, string> = { approve: "ok", promote: "ok", reject: "bad", delete: "bad", keep: "warn" };
const said = (side: Record<string, unknown> | null | undefined): string => Object.entries(side ?? {}).filter(([, told]) => told !== null && told !== undefined).map(([key, told]) => `${key}: ${typeof told === "object" ? JSON.stringify(told) : String(told)}`).join(", ");

export function Trail({ name }: { name: string }) {
  const [most, setMost] = useState(100);
  const trail = useApi("audit.list", { noun: "model", name, max_results: most }, { refetchInterval: 3_000 });
  return (
    <div className="scroll" style={{ paddingTop: 12 }}>
      <Answer of={trail}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="Nothing was decided yet">Approvals, promotions, aliases and exports are kept here, each with who and why.</Empty>
          ) : (
            <section className="card">
              <table className="plain">
                <thead><tr><th style={{ width: 140 }}>When</th><th style={{ width: 90 }}>Version</th><th style={{ width: 150 }}>What</th><th>Change</th><th>Reason</th><th style={{ width: 100 }}>By</th></tr></thead>
                <tbody>{data.items.map((item, at) => <Entry key={`${item.at} ${at}`} item={item} />)}</tbody>
              </table>
              {data.cursor && <div style={{ padding: 8 }}><Button kind="small" onClick={() => setMost(Math.min(10_000, most * 4))}>Older ones</Button></div>}
            </section>
          )
        }
      </Answer>
    </div>
  );
}

function Entry({ item }: { item: AuditEntry }) {
  return (
    <tr>
      <td className="top dim" title={moment(item.at)}>{ago(item.at)}</td>
      <td className="top">{item.version ? <Go to={assetPath("models", item.name)} search={{ version: item.version }} className="link mono">{item.version}</Go> : <span className="dim">all</span>}</td>
      <td className="top"><Chip kind={KINDS[item.action] ?? ""}>{item.action.replaceAll("-", " ").replaceAll("_", " ")}</Chip></td>
      <td className="top pre">{said(item.before) && <><span className="dim">{said(item.before)}</span> → </>}{said(item.after)}</td>
      <td className="top ink2 pre">{item.reason}</td>
      <td className="top dim">{item.actor}</td>
    </tr>
  );
}
