// The files of a version: a tree read folder by folder, and small texts shown.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { address, send } from "../../data/client";
import { useApi, useWorkspace } from "../../data/hooks";
import { useAddress } from "../../data/nav";
import { Answer, Copy, Empty } from "../../kit/basic";
import { Code } from "../../kit/Code";
import { Icon } from "../../kit/Icon";
import { bytes, count } from "../../lib/format";

const TEXT = /(^|\/)(MLmodel|README|LICENSE|Dockerfile)$|\.(txt|md|json|ya?ml|py|toml|cfg|ini|csv|sh)$/i;
const TEXT_BYTES = 1_000_000;
const PICTURE = /\.(png|jpe?g|gif|webp)$/i;

interface Of {
  name: string;
  version: string;
}

export function Files(of: Of) {
  const workspace = useWorkspace();
  const [values, setAddress] = useAddress();
  const [size, setSize] = useState<number | null>(null);
  const path = values.path;
  const url = path ? address("model.file", { workspace, ...of, path }).url.href : "";
  return (
    <div className="files" style={{ borderTop: 0 }}>
      <nav className="tree" aria-label="Files"><Folder of={of} path="" depth={0} chosen={path} choose={(to, bytes_) => { setAddress({ path: to }); setSize(bytes_); }} /></nav>
      <div className="view">
        {path ? (
          <>
            <div className="bar">
              <span className="mono clip grow" title={path}>{path}</span>
              <Copy text={path} tip="Copy the path" />
              {size !== null && <span className="dim">{bytes(size)}</span>}
              <a className="btn icon small" href={url} download={path.split("/").at(-1)} aria-label={`Download ${path}`}><Icon name="download" size={15} /></a>
            </div>
            <div className="content">{TEXT.test(path) && (size ?? 0) <= TEXT_BYTES ? <Text key={path} of={of} path={path} /> : PICTURE.test(path) ? <div className="imgbox"><img src={`${url}&render=true`} alt={path} /></div> : <Empty title="These bytes are not shown">Files of a model may run code when they are opened, so none of them is. Download it to look.</Empty>}</div>
          </>
        ) : (
          <Empty title="Choose a file">Texts are shown; the server never opens a pickle.</Empty>
        )}
      </div>
    </div>
  );
}

function Text({ of, path }: { of: Of; path: string }) {
  const workspace = useWorkspace();
  const text = useQuery({ queryKey: ["model.file", workspace, of.name, of.version, path], staleTime: "static", retry: false, queryFn: async () => (await send("model.file", { workspace, ...of, path })).text() });
  return <Answer of={text}>{(told) => <Code text={told} language={/MLmodel$/.test(path) && told.startsWith("{") ? "json" : path} label={path} />}</Answer>;
}

function Folder({ of, path, depth, chosen, choose }: { of: Of; path: string; depth: number; chosen: string | undefined; choose: (path: string, size: number | null) => void }) {
  const [most, setMost] = useState(500);
  const list = useApi("model.files", { ...of, path, max_results: most });
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  if (list.error) return <div className="dim" style={{ padding: 6 }}>{list.error.message}</div>;
  if (!list.data) return <div className="skel" style={{ height: 14, margin: 6 }} />;
  if (!list.data.items.length) return <div className="dim" style={{ padding: 6 }}>Empty</div>;
  return (
    <ul>
      {list.data.items.map((item) => {
        const full = path ? `${path}/${item.name}` : item.name;
        return (
          <li key={item.name}>
            <button
              type="button"
              className={chosen === full ? "on" : ""}
              style={{ paddingLeft: 6 + depth * 14 }}
              title={full}
              aria-expanded={item.is_folder ? open.has(item.name) : undefined}
              onClick={() => {
                if (!item.is_folder) return choose(full, item.size ?? null);
                const next = new Set(open);
                if (!next.delete(item.name)) next.add(item.name);
                setOpen(next);
              }}
            >
              <Icon name={item.is_folder ? (open.has(item.name) ? "down" : "right") : TEXT.test(item.name) ? "code" : "file"} size={14} />
              <span className="clip">{item.name}</span>
              <span className="size">{item.is_folder ? "" : bytes(item.size)}</span>
            </button>
            {item.is_folder && open.has(item.name) && <Folder of={of} path={full} depth={depth + 1} chosen={chosen} choose={choose} />}
          </li>
        );
      })}
      {list.data.total > list.data.items.length && <li><button type="button" className="dim" onClick={() => setMost(Math.min(10_000, most * 4))}>{count(list.data.items.length)} of {count(list.data.total)}: more</button></li>}
    </ul>
  );
}
