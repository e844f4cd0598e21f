// Folders and files of a job: a tree that is read folder by folder, and a viewer for what is chosen.
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { ApiError, fileUrl } from "../data/client";
import { useApi, useWorkspace } from "../data/hooks";
import { bytes, count } from "../lib/format";
import { parseCsv } from "../lib/table";
import { Answer, Copy, Empty, Failure, Segments, Skeleton } from "./basic";
import { Code } from "./Code";
import { Grid, type Column } from "./Grid";
import { Icon } from "./Icon";

const Markdown = lazy(() => import("./Markdown"));

export interface Area {
  area: "artifacts" | "output" | "code";
  output_name?: string;
  title: string;
}
export interface Chosen {
  area: Area;
  path: string;
  size: number | null | undefined;
}

export function Tree({ job, areas, chosen, choose, live }: { job: string; areas: Area[]; chosen: Chosen | null; choose: (file: Chosen) => void; live?: boolean }) {
  return (
    <nav className="tree" aria-label="Files">
      {areas.map((area) => (
        <div key={area.area + area.output_name}>
          <div className="sub">{area.title}</div>
          <Folder job={job} area={area} path="" depth={0} chosen={chosen} choose={choose} live={!!live} />
        </div>
      ))}
    </nav>
  );
}

const PAGE = 500; // entries of a folder that are drawn at once

function Folder({ job, area, path, depth, chosen, choose, live }: { job: string; area: Area; path: string; depth: number; chosen: Chosen | null; choose: (file: Chosen) => void; live: boolean }) {
  const [before, setBefore] = useState<(string | undefined)[]>([]); // cursors of the pages before this one
  const [cursor, setCursor] = useState<string | undefined>();
  const { title: _, ...where } = area;
  const list = useApi("jobs.files", { name: job, ...where, path, max_results: PAGE, cursor }, { refetchInterval: live ? 4_000 : false });
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(depth === 0 ? ["outputs"] : []));
  if (list.error) return <div className="dim" style={{ padding: "4px 6px" }}>{list.error instanceof ApiError && list.error.status === 404 ? "Nothing here" : list.error.message}</div>;
  if (!list.data) return <div className="skel" style={{ height: 14, margin: 6 }} />;
  if (!list.data.items.length) return <div className="dim" style={{ padding: "4px 6px", paddingLeft: 6 + depth * 14 }}>Empty</div>;
  return (
    <ul>
      {list.data.items.map((item) => {
        const full = path ? `${path}/${item.name}` : item.name;
        const on = chosen?.path === full && chosen.area.area === area.area && chosen.area.output_name === area.output_name;
        return (
          <li key={item.name}>
            <button
              type="button"
              className={on ? "on" : ""}
              style={{ paddingLeft: 6 + depth * 14 }}
              title={full}
              aria-expanded={item.is_folder ? open.has(item.name) : undefined}
              onClick={() => {
                if (!item.is_folder) return choose({ area, path: full, size: item.size });
                const next = new Set(open);
                if (!next.delete(item.name)) next.add(item.name);
                setOpen(next);
              }}
            >
              <Icon name={item.is_folder ? (open.has(item.name) ? "down" : "right") : iconOf(item.name)} size={14} />
              <span className="clip">{item.name}</span>
              <span className="size">{item.is_folder ? "" : bytes(item.size)}</span>
            </button>
            {item.is_folder && open.has(item.name) && <Folder job={job} area={area} path={full} depth={depth + 1} chosen={chosen} choose={choose} live={live} />}
          </li>
        );
      })}
      {list.data.total > PAGE && (
        <li className="pager" style={{ paddingLeft: 6 + depth * 14 }}>
          <button type="button" disabled={!before.length} aria-label="Earlier files" onClick={() => { setCursor(before.at(-1)); setBefore(before.slice(0, -1)); }}><Icon name="left" size={14} /></button>
          <span className="dim">{count(before.length * PAGE + 1)} to {count(before.length * PAGE + list.data.items.length)} of {count(list.data.total)}</span>
          <button type="button" disabled={!list.data.cursor} aria-label="Later files" onClick={() => { setBefore([...before, cursor]); setCursor(list.data.cursor ?? undefined); }}><Icon name="right" size={14} /></button>
        </li>
      )}
    </ul>
  );
}

const IMAGE = /\.(png|jpe?g|gif|webp|svg)$/i;
const iconOf = (name: string): string => (IMAGE.test(name) ? "image" : /\.(csv|tsv|parquet)$/i.test(name) ? "table" : /\.(py|ya?ml|json|sh|toml)$/i.test(name) ? "code" : "file");
const TEXT_BYTES = 4_000_000;

export function Viewer({ job, file, actions }: { job: string; file: Chosen; actions?: ReactNode }) {
  const workspace = useWorkspace();
  const [raw, setRaw] = useState(false);
  const request = { workspace, name: job, area: file.area.area, output_name: file.area.output_name, path: file.path };
  const url = fileUrl(request);
  const name = file.path.split("/").at(-1)!;
  const kind = kindOf(name);
  const switches = kind === "html" || kind === "markdown" || kind === "table" || kind === "notebook";
  return (
    <div className="view">
      <div className="bar">
        <Icon name={iconOf(name)} />
        <span className="mono clip grow" title={file.path}>{file.path}</span>
        <Copy text={file.path} tip="Copy the path" />
        <span className="dim">{bytes(file.size)}</span>
        {switches && <Segments label="How it is shown" value={raw ? "raw" : "shown"} options={[["shown", "Shown"], ["raw", "Source"]] as const} onChange={(to) => setRaw(to === "raw")} />}
        {actions}
        <a className="btn icon small" href={url} download={name} aria-label={`Download ${name}`}><Icon name="download" size={15} /></a>
      </div>
      <div className="content">
        {kind === "image" ? <Picture url={url} name={name} /> : kind === "media" ? <Media url={url} name={name} /> : kind === "html" && !raw ? <Page url={fileUrl({ ...request, render: true })} name={name} /> : kind === "parquet" ? <Parquet request={{ name: job, area: file.area.area, output_name: file.area.output_name, path: file.path }} name={name} /> : kind === "bytes" ? <Binary size={file.size} name={name} /> : <Text url={url} size={file.size ?? 0} name={name} kind={raw ? "text" : kind} />}
      </div>
    </div>
  );
}

function kindOf(name: string): string {
  if (IMAGE.test(name)) return "image";
  if (/\.(mp3|wav|ogg|flac|mp4|webm)$/i.test(name)) return "media";
  if (/\.html?$/i.test(name)) return "html";
  if (/\.(md|markdown)$/i.test(name)) return "markdown";
  if (/\.(csv|tsv)$/i.test(name)) return "table";
  if (/\.parquet$/i.test(name)) return "parquet";
  if (/\.ipynb$/i.test(name)) return "notebook";
  if (/\.(pkl|pickle|joblib|pt|pth|onnx|npy|npz|zip|gz|tar|bin|h5|so|pdf|safetensors|ubj|xlsx?)$/i.test(name)) return "bytes";
  return "text";
}

function Picture({ url, name }: { url: string; name: string }) {
  const vector = /\.svg$/i.test(name);
  const blob = useQuery({
    queryKey: ["svg", url],
    enabled: vector,
    queryFn: async () => `data:image/svg+xml;base64,${btoa(String.fromCharCode(...new TextEncoder().encode(await (await fetch(url)).text())))}`,
  });
  const source = vector ? blob.data : url;
  return <div className="imgbox">{source && <img src={source} alt={name} />}</div>;
}

const Media = ({ url, name }: { url: string; name: string }) => (
  <div className="imgbox">{/\.(mp4|webm)$/i.test(name) ? <video src={url} controls style={{ maxWidth: "100%" }} /> : <audio src={url} controls />}</div>
);

/** HTML of a job in a frame that has no origin: it reaches neither our API nor our cookie, nor any other server. */
const Page = ({ url, name }: { url: string; name: string }) => <iframe sandbox="allow-scripts" src={url} title={name} style={{ flex: 1, border: 0, background: "#fff", width: "100%" }} />;

const Binary = ({ size, name }: { size: number | null | undefined; name: string }) => (
  <Empty title={name}>{bytes(size)} of bytes that no viewer here shows. Download it to open it.</Empty>
);

function Text({ url, size, name, kind }: { url: string; size: number; name: string; kind: string }) {
  const cut = size > TEXT_BYTES;
  const text = useQuery({
    queryKey: ["file", url, size],
    queryFn: async ({ signal }) => {
      const answer = await fetch(url, { signal, headers: cut ? { range: `bytes=0-${TEXT_BYTES - 1}` } : {} });
      if (!answer.ok) throw new ApiError(answer.status, "FileNotFound", `The server answered with ${answer.status}.`);
      return answer.text();
    },
  });
  if (text.error) return <div style={{ padding: 12 }}><Failure error={text.error} retry={() => void text.refetch()} /></div>;
  if (text.data === undefined) return <Skeleton />;
  if (text.data.slice(0, 4000).includes("\0")) return <Binary size={size} name={name} />;
  return (
    <>
      {cut && <div className="note warn" style={{ margin: 8 }}>The first {bytes(TEXT_BYTES)} of {bytes(size)}. Download the file for the rest.</div>}
      {kind === "table" ? <Csv text={text.data} separator={/\.tsv$/i.test(name) ? "\t" : ","} name={name} whole={!cut} /> : kind === "markdown" ? <Suspense fallback={<Skeleton />}><Markdown text={text.data} /></Suspense> : kind === "notebook" ? <Notebook text={text.data} /> : <Code text={pretty(text.data, name)} language={name} label={name} />}
    </>
  );
}

/** The server reads the first rows: no browser reads this format by itself. */
function Parquet({ request, name }: { request: Record<string, unknown>; name: string }) {
  const found = useApi("jobs.table", request, { placeholderData: undefined, retry: false, staleTime: 30_000 });
  return (
    <Answer of={found}>
      {(data) => {
        const rows = data.preview.map((cells, at) => ({ at: at + 1, cells: cells as unknown[] }));
        const columns: Column<(typeof rows)[number]>[] = [
          { key: "#", title: "", label: "Row", width: 64, end: true, pin: true, render: (row) => <span className="dim">{row.at}</span> },
          ...data.columns.map((column, at): Column<(typeof rows)[number]> => ({
            key: String(at),
            title: <span className="row" style={{ gap: 6 }}><b style={{ color: "var(--ink)" }}>{column.name}</b><span>{column.type}</span></span>,
            label: column.name,
            width: Math.min(300, Math.max(100, 48 + 7 * (column.name.length + column.type.length))),
            end: /^(u?int|float|double|decimal)/.test(column.type),
            render: (row) => (row.cells[at] === null || row.cells[at] === undefined ? <span className="dim">null</span> : <span className="clipt" title={String(row.cells[at])}>{String(row.cells[at])}</span>),
          })),
        ];
        return (
          <>
            <Grid rows={rows} columns={columns} id={(row) => String(row.at)} label={name} />
            <div className="dim" style={{ padding: "4px 12px", borderTop: "1px solid var(--line)" }}>
              {data.rows !== null && data.rows !== undefined && data.rows > rows.length ? `The first ${count(rows.length)} of ${count(data.rows)} rows` : `${count(rows.length)} row${rows.length === 1 ? "" : "s"}`}, {data.columns.length} column{data.columns.length === 1 ? "" : "s"}
            </div>
          </>
        );
      }}
    </Answer>
  );
}

function pretty(text: string, name: string): string {
  if (!/\.json$/i.test(name) || text.length > 500_000) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Csv({ text, separator, name, whole }: { text: string; separator: string; name: string; whole: boolean }) {
  const [head = [], ...all] = parseCsv(text, separator, 20_001);
  const rows = all.map((cells, at) => ({ at: at + 1, cells }));
  const isNumber = head.map((_, at) => all.slice(0, 50).every((cells) => cells[at] === undefined || cells[at] === "" || Number.isFinite(Number(cells[at]))));
  const columns: Column<(typeof rows)[number]>[] = [
    { key: "#", title: "", label: "Row", width: 64, end: true, pin: true, render: (row) => <span className="dim">{row.at}</span> },
    ...head.map((title, at): Column<(typeof rows)[number]> => ({
      key: String(at),
      title,
      width: Math.min(280, Math.max(84, 24 + 7.5 * Math.max(title.length, ...all.slice(0, 30).map((cells) => cells[at]?.length ?? 0)))),
      end: isNumber[at]!,
      render: (row) => <span className="clipt" title={row.cells[at]}>{row.cells[at]}</span>,
      sort: (one, other) => (isNumber[at] ? Number(one.cells[at]) - Number(other.cells[at]) : (one.cells[at] ?? "").localeCompare(other.cells[at] ?? "")),
    })),
  ];
  return (
    <>
      <Grid rows={rows} columns={columns} id={(row) => String(row.at)} label={name} />
      <div className="dim" style={{ padding: "4px 12px", borderTop: "1px solid var(--line)" }}>
        {rows.length >= 20_000 || !whole ? `The first ${count(rows.length)} rows` : `${count(rows.length)} rows`}, {head.length} columns
      </div>
    </>
  );
}

/** Cells, sources and texts of a notebook; pictures as pictures; nothing in it runs. */
function Notebook({ text }: { text: string }) {
  let cells: any[];
  try {
    cells = JSON.parse(text).cells ?? [];
  } catch {
    return <Code text={text} language="json" label="Notebook" />;
  }
  const joined = (value: unknown): string => (Array.isArray(value) ? value.join("") : String(value ?? ""));
  return (
    <div className="col" style={{ padding: 16, gap: 12 }}>
      {cells.map((cell, at) =>
        cell.cell_type === "markdown" ? (
          <Suspense key={at} fallback={null}><Markdown text={joined(cell.source)} /></Suspense>
        ) : (
          <div key={at} className="col">
            <pre className="code">{joined(cell.source)}</pre>
            {(cell.outputs ?? []).map((output: any, number: number) => {
              const png = output.data?.["image/png"];
              return png ? <img key={number} alt={`Output of cell ${at + 1}`} src={`data:image/png;base64,${joined(png).replace(/\s/g, "")}`} /> : <pre key={number} className="pre mono ink2">{joined(output.text ?? output.data?.["text/plain"] ?? output.traceback)}</pre>;
            })}
          </div>
        ),
      )}
    </div>
  );
}
