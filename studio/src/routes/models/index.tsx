import { assetPath, useAddress, useGo } from "../../data/nav";
import { NET_MS, useApi } from "../../data/hooks";
import type { AssetView } from "../../data/api";
import { Answer, Button, Chip, Empty, FilterField, Tags } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { Grid, type Column } from "../../kit/Grid";
import { Icon } from "../../kit/Icon";
import { ago, bytes, count, moment, value } from "../../lib/format";
import { list } from "../../lib/snippets";
import { PageHead } from "../../shell/PageHead";
export { ModelPage } from "./Page";

interface Champion {
  version: string;
  metrics: Record<string, number>;
}
const champion = (item: AssetView): Champion | undefined => item.champion as Champion | undefined;

const COLUMNS: Column<AssetView>[] = [
  { key: "name", title: "Name", width: 230, grow: true, pin: true, sort: (one, other) => one.name.localeCompare(other.name), render: (item) => <><span className="dim"><Icon name="models" size={14} /></span><Go to={assetPath("models", item.name)} className="link clipt">{item.name}</Go></> },
  { key: "version", title: "Latest", width: 90, render: (item) => <span className="mono">{item.version}</span> },
  { key: "aliases", title: "Aliases", width: 190, grow: true, render: (item) => <Aliases of={item.aliases as Record<string, string> | undefined} name={item.name} /> },
  { key: "champion", title: "Champion's metrics", width: 220, grow: true, render: (item) => <Metrics of={champion(item)?.metrics} /> },
  { key: "type", title: "Type", width: 120, sort: (one, other) => (one.type ?? "").localeCompare(other.type ?? ""), render: (item) => <span className="ink2">{item.type}</span> },
  { key: "bytes", title: "Size", width: 80, end: true, sort: (one, other) => Number(one.bytes ?? 0) - Number(other.bytes ?? 0), render: (item) => bytes(item.bytes as number) },
  { key: "created", title: "Created", width: 120, sort: (one, other) => (one.created_at ?? "").localeCompare(other.created_at ?? ""), render: (item) => <span className="dim" title={moment(item.created_at)}>{ago(item.created_at)}</span> },
  { key: "tags", title: "Tags", width: 130, render: (item) => <Tags tags={item.tags} most={2} /> },
];

function Aliases({ of, name }: { of: Record<string, string> | undefined; name: string }) {
  return <span className="row" style={{ gap: 4 }}>{Object.entries(of ?? {}).map(([alias, version]) => <Go key={alias} to={assetPath("models", name)} search={{ version }} className=""><Chip kind="accent">{alias} → {version}</Chip></Go>)}</span>;
}

function Metrics({ of }: { of: Record<string, number> | undefined }) {
  const shown = Object.entries(of ?? {}).slice(0, 3);
  if (!shown.length) return <span className="dim">–</span>;
  return <span className="clipt">{shown.map(([key, number], at) => <span key={key}>{at > 0 && <span className="dim"> · </span>}<span className="dim">{key}</span> {value(number)}</span>)}</span>;
}

export function ModelList() {
  const go = useGo();
  const [address, setAddress] = useAddress();
  const models = useApi("model.list", { max_results: 1000 }, { refetchInterval: NET_MS });
  const wanted = (address.q ?? "").toLowerCase();
  return (
    <>
      <PageHead title="Models" status={models.data && <span className="dim">{count(models.data.items.length)}</span>} snippets={list("model", "models", "model.list")} />
      <Answer of={models}>
        {(data) => {
          if (!data.items.length) return <Empty title="No models yet" snippet="zaffre model create --name churn --path ./model --type mlflow_model">Jobs register what they trained; each version knows the run, the data and the code that it came from.</Empty>;
          const rows = data.items.filter((item) => `${item.name} ${item.description ?? ""} ${item.type ?? ""} ${Object.keys((item.aliases as object) ?? {}).join(" ")} ${Object.entries(item.tags ?? {}).join(" ")}`.toLowerCase().includes(wanted));
          return (
            <>
              <div className="toolbar"><FilterField value={address.q ?? ""} onChange={(q) => setAddress({ q })} placeholder="Filter by name, type, alias, tag" /></div>
              <div className="full">
                {rows.length ? <Grid rows={rows} columns={COLUMNS} id={(item) => item.name} label="Models" open={(item) => go(assetPath("models", item.name))} /> : <Empty title="Nothing matches" action={<Button onClick={() => setAddress({ q: undefined })}>Take the filter away</Button>}>0 of {data.items.length} match {address.q}.</Empty>}
              </div>
            </>
          );
        }}
      </Answer>
    </>
  );
}
