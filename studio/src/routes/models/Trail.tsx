// Who did what to a model, when and why.
import { useState } from "react";
import type { AuditEntry } from "../../data/api";
import { NET_MS, useApi } from "../../data/hooks";
import { assetPath } from "../../data/nav";
import { Answer, Button, Chip, Empty } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { ago, middle, moment } from "../../lib/format";

const KINDS: Record<string, string> = { approve: "ok", promote: "ok", reject: "bad", delete: "bad", keep: "warn" };
const said = (told: unknown): string => (told === null || told === undefined ? "none" : typeof told === "object" ? JSON.stringify(told) : middle(String(told), 44));

/** Each field that an act set, with what it was before where that is another thing. */
function Change({ item }: { item: AuditEntry }) {
  const [before, after] = [item.before ?? {}, item.after ?? {}];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== null || after[key] !== null);
  return (
    <>
      {keys.map((key, at) => {
        const changed = key in before && key in after && said(before[key]) !== said(after[key]);
        return (
          <span key={key} title={typeof after[key] === "string" ? after[key] : undefined}>
            {at > 0 && ", "}
            <span className="dim">{key.replaceAll("_", " ")}</span> {changed && <span className="dim">{said(before[key])} → </span>}
            {key in after ? said(after[key]) : <s>{said(before[key])}</s>}
          </span>
        );
      })}
    </>
  );
}

export function Trail({ name }: { name: string }) {
  const [most, setMost] = useState(100);
  const trail = useApi("audit.list", { noun: "model", name, max_results: most }, { refetchInterval: NET_MS });
  return (
    <div className="scroll" style={{ paddingTop: 12 }}>
      <Answer of={trail}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="Nothing was decided yet">Approvals, promotions, aliases and exports are kept here, each with who and why.</Empty>
          ) : (
            <section className="card" style={{ overflow: "hidden" }}>
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
      <td className="top pre"><Change item={item} /></td>
      <td className="top ink2 pre">{item.reason}</td>
      <td className="top dim">{item.actor}</td>
    </tr>
  );
}
