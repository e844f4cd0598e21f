import { useMemo, useState } from "react";
import type { AssetView, ColumnProfile, TableProfile } from "../../data/api";
import { ApiError } from "../../data/client";
import { useApi } from "../../data/hooks";
import { useAddress } from "../../data/nav";
import { Answer, Chip, Empty } from "../../kit/basic";
import { Grid, type Column } from "../../kit/Grid";
import { bytes, count, value } from "../../lib/format";

export default function DataTabs({ tab, item, versions }: { tab: string; item: AssetView; versions: AssetView[] }) {
  if (tab === "diff") return <Diff item={item} versions={versions} />;
  return <WithFile item={item}>{(path) => (tab === "preview" ? <Preview item={item} path={path} /> : <Profile item={item} path={path} />)}</WithFile>;
}

const TABLE = /\.(csv|tsv|jsonl|parquet)$/i;

/** Which file of the version: the first table, or the one that is chosen. */
function WithFile({ item, children }: { item: AssetView; children: (path: string) => React.ReactNode }) {
  const [address, setAddress] = useAddress();
  const files = useApi("data.files", { name: item.name, version: item.version });
  return (
    <Answer of={files}>
      {(data) => {
        const tables = data.items.filter((file) => !file.is_folder && TABLE.test(file.name)).map((file) => file.name);
        const path = tables.includes(address.path ?? "") ? address.path! : tables[0];
        if (!path) {
          return (
            <Empty title="No table in this version">
              {data.items.length ? `${count(data.total)} entries: ${data.items.slice(0, 8).map((file) => file.name + (file.is_folder ? "/" : "")).join(", ")}${data.total > 8 ? ", ..." : ""}` : "The folder is empty."}
            </Empty>
          );
        }
        return (
          <>
            {tables.length > 1 && (
              <div className="logbar" style={{ borderTop: 0 }}>
                <select className="select" aria-label="File" value={path} onChange={(event) => setAddress({ path: event.target.value })}>
                  {tables.map((name) => <option key={name}>{name}</option>)}
                </select>
                <span className="dim">{count(tables.length)} tables</span>
              </div>
            )}
            {children(path)}
          </>
        );
      }}
    </Answer>
  );
}

const useProfile = (item: AssetView, path: string) => useApi("data.profile", { name: item.name, version: item.version, path: item.type === "uri_file" ? "" : path }, { staleTime: "static" });

function Problem({ error }: { error: Error | null }) {
  return <Empty title="The table cannot be read here">{error?.message}{error instanceof ApiError && error.hint ? ` ${error.hint}` : ""}</Empty>;
}

function Preview({ item, path }: { item: AssetView; path: string }) {
  const profile = useProfile(item, path);
  const rows = useMemo(() => (profile.data?.preview ?? []).map((cells, at) => ({ at, cells: cells as unknown[] })), [profile.data]);
  if (profile.error && !profile.data) return <Problem error={profile.error} />;
  return (
    <Answer of={profile}>
      {(data) => {
        const columns: Column<(typeof rows)[number]>[] = [
          { key: "#", title: "", label: "Row", width: 56, end: true, pin: true, render: (row) => <span className="dim">{row.at + 1}</span> },
          ...data.columns.map((column, at): Column<(typeof rows)[number]> => ({ key: String(at), title: <span className="row" style={{ gap: 6 }}><b style={{ color: "var(--ink)" }}>{column.name}</b><span>{column.type}</span></span>, label: column.name, width: Math.min(300, Math.max(110, 48 + 7 * (column.name.length + column.type.length))), end: !!column.histogram?.length, render: (row) => <Cell value={row.cells[at]} /> })),
        ];
        return (
          <div className="full" style={{ borderTop: 0 }}>
            <Grid rows={rows} columns={columns} id={(row) => String(row.at)} label={`Preview of ${path}`} />
            <div className="dim" style={{ padding: "4px 16px", borderTop: "1px solid var(--line)" }}>The first {count(rows.length)} of {total(data)} rows, {data.columns.length} columns</div>
          </div>
        );
      }}
    </Answer>
  );
}

const Cell = ({ value: at }: { value: unknown }) => (at === null || at === undefined ? <span className="dim">null</span> : <span className="clipt" title={String(at)}>{typeof at === "number" ? value(at) : String(at)}</span>);
const total = (data: TableProfile): string => (data.rows === null || data.rows === undefined ? `more than ${count(data.profiled)}` : count(data.rows));

function Profile({ item, path }: { item: AssetView; path: string }) {
  const profile = useProfile(item, path);
  if (profile.error && !profile.data) return <Problem error={profile.error} />;
  return (
    <Answer of={profile}>
      {(data) => (
        <div className="scroll" style={{ paddingTop: 12 }}>
          <p className="dim" style={{ marginBottom: 10 }}>
            {total(data)} rows, {data.columns.length} columns{data.rows === data.profiled ? "" : `; profiled are the first ${count(data.profiled)}`}
          </p>
          <div className="cards">
            {data.columns.map((column, at) => <ColumnCard key={at} column={column} rows={data.profiled} />)}
          </div>
        </div>
      )}
    </Answer>
  );
}

function ColumnCard({ column, rows }: { column: ColumnProfile; rows: number }) {
  const bins = column.histogram ?? [];
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  const top = column.top ?? [];
  const highest = Math.max(1, ...top.map((item) => item.count));
  return (
    <section className="card">
      <header><h3 className="grow clip" title={column.name}>{column.name}</h3><Chip>{column.type}</Chip></header>
      <div className="body col">
        {bins.length > 0 && (
          <>
            <div className="hist" style={{ height: 56 }} role="img" aria-label={`Distribution from ${value(bins[0]!.low)} to ${value(bins.at(-1)!.high)}`}>
              {bins.map((bin, at) => <i key={at} title={`${value(bin.low)} to ${value(bin.high)}: ${count(bin.count)}`} style={{ height: `${(bin.count / most) * 100}%` }} />)}
            </div>
            <div className="row dim" style={{ justifyContent: "space-between", fontSize: 11 }}><span>{value(column.min)}</span><span>mean {value(column.mean)}</span><span>{value(column.max)}</span></div>
          </>
        )}
        {top.map((item) => (
          <div key={item.value} style={{ display: "grid", gridTemplateColumns: "minmax(0,1fr) 80px 56px", gap: 8, alignItems: "center" }}>
            <span className="clip" title={item.value}>{item.value || <span className="dim">empty</span>}</span>
            <span style={{ height: 8, background: "var(--sunk)", borderRadius: 2 }}><i style={{ display: "block", height: 8, borderRadius: 2, width: `${(item.count / highest) * 100}%`, background: "var(--c1)" }} /></span>
            <span className="num dim">{count(item.count)}</span>
          </div>
        ))}
        <div className="row dim" style={{ fontSize: 11 }}>
          <span>{count(column.distinct)} distinct</span>
          <span style={{ color: column.nulls ? "var(--warn)" : undefined }}>{column.nulls ? `${count(column.nulls)} nulls (${value((100 * column.nulls) / Math.max(1, rows))} %)` : "no nulls"}</span>
        </div>
      </div>
    </section>
  );
}

function Diff({ item, versions }: { item: AssetView; versions: AssetView[] }) {
  const at = versions.findIndex((version) => version.version === item.version);
  const [base, setBase] = useState(versions[at + 1]?.version ?? versions.find((version) => version.version !== item.version)?.version ?? "");
  const diff = useApi("data.diff", { name: item.name, base, other: item.version }, { enabled: !!base });
  if (!base) return <Empty title="There is one version only">The next one can be compared with it.</Empty>;
  return (
    <div className="scroll" style={{ paddingTop: 12 }}>
      <div className="row" style={{ marginBottom: 12 }}>
        What changed from
        <select className="select" aria-label="Former version" value={base} onChange={(event) => setBase(event.target.value)}>
          {versions.filter((version) => version.version !== item.version).map((version) => <option key={version.version} value={version.version}>version {version.version}</option>)}
        </select>
        to version {item.version}
      </div>
      <Answer of={diff}>
        {(data) =>
          data.files.length === 0 ? (
            <Empty title="Nothing changed">Both versions have the same content.</Empty>
          ) : (
            <section className="card">
              <header><h2 className="grow">{count(data.files.length)} file{data.files.length === 1 ? "" : "s"} differ</h2><span className="dim">+{bytes(data.bytes_added)} −{bytes(data.bytes_removed)}</span></header>
              <table className="plain">
                <thead><tr><th>File</th><th>Change</th><th className="num">Size</th><th className="num">Rows</th><th>Columns</th></tr></thead>
                <tbody>
                  {data.files.slice(0, 1000).map((file) => (
                    <tr key={file.path}>
                      <td className="mono">{file.former_path ? `${file.former_path} → ` : ""}{file.path}</td>
                      <td><Chip kind={file.change === "added" ? "ok" : file.change === "removed" ? "bad" : "warn"}>{file.change}</Chip></td>
                      <td className="num">{file.former_size !== null && file.former_size !== undefined ? `${bytes(file.former_size)} → ` : ""}{bytes(file.size)}</td>
                      <td className="num">{file.rows !== null && file.rows !== undefined ? `${file.former_rows !== null && file.former_rows !== undefined ? `${count(file.former_rows)} → ` : ""}${count(file.rows)}` : ""}</td>
                      <td>{[...(file.columns_added ?? []).map((column) => `+${column}`), ...(file.columns_removed ?? []).map((column) => `−${column}`), ...(file.columns_retyped ?? [])].join(", ")}</td>
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
