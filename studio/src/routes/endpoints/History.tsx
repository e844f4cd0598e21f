import type { ChangeView } from "../../data/api";
import { NET_MS, useApi } from "../../data/hooks";
import { Answer, Button, Chip, Empty } from "../../kit/basic";
import { ago, moment } from "../../lib/format";

const VERBS: Record<string, string> = { traffic: "traffic", update: "deployment", rollback: "taken back" };

const shares = (side: Record<string, unknown> | null | undefined): string => {
  const said = (key: string) => Object.entries((side?.[key] as Record<string, number>) ?? {}).filter(([, share]) => share).map(([name, share]) => `${name} ${share} %`).join(", ");
  const copies = said("mirror_traffic");
  return `${said("traffic") || "nobody"}${copies ? ` (copies: ${copies})` : ""}`;
};

const runs = (side: any): string => {
  const spec = side?.spec ?? {};
  const model = typeof spec.model === "string" ? spec.model.replace(/^azureml:/, "") : spec.model?.path;
  return [model, spec.code_configuration?.scoring_script, spec.instance_count && `${spec.instance_count} instance${spec.instance_count === 1 ? "" : "s"}`].filter(Boolean).join(", ") || "–";
};

function What({ item }: { item: ChangeView }) {
  const isTraffic = !!(item.before && "traffic" in item.before);
  const told = isTraffic ? shares : runs;
  return (
    <span className="pre">
      {item.deployment && !isTraffic && <b>{item.deployment}: </b>}
      {told(item.before)} → {told(item.after)}
    </span>
  );
}

export function History({ name, rollback, busy }: { name: string; rollback: () => void; busy: boolean }) {
  const history = useApi("online-endpoint.history", { name }, { refetchInterval: NET_MS, placeholderData: undefined });
  return (
    <div className="scroll" style={{ paddingTop: 12 }}>
      <Answer of={history}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="Nothing was changed yet" snippet={`zaffre online-endpoint update --name ${name} --traffic "blue=90 green=10"`}>Changes of traffic, and of what a deployment runs, are kept here; the last one is taken back with one click.</Empty>
          ) : (
            <section className="card">
              <header>
                <h2 className="grow">Changes · {data.items.length}</h2>
                <Button kind="small" icon="retry" disabled={busy} onClick={rollback} tip="The newest change that was not taken back yet">Take back the last change</Button>
              </header>
              <table className="plain">
                <thead><tr><th style={{ width: 150 }}>When</th><th style={{ width: 110 }}>Kind</th><th>Change</th><th>Reason</th><th style={{ width: 110 }}>By</th></tr></thead>
                <tbody>
                  {data.items.map((item, at) => (
                    <tr key={at}>
                      <td className="top dim" title={moment(item.at)}>{ago(item.at)}</td>
                      <td className="top"><Chip kind={item.verb === "rollback" ? "warn" : ""}>{VERBS[item.verb] ?? item.verb}</Chip></td>
                      <td className="top"><What item={item} /></td>
                      <td className="top ink2">{item.reason}</td>
                      <td className="top dim">{item.changed_by}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          )
        }
      </Answer>
    </div>
  );
}
