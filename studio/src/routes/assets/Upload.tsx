import { useState } from "react";
import { toast } from "../../kit/toast";
import { call } from "../../data/client";
import { queries, useWorkspace } from "../../data/hooks";
import { assetPath, useGo } from "../../data/nav";
import { dropped, picked, uploadTree, type Dropped } from "../../data/upload";
import { Button, Failure } from "../../kit/basic";
import { Modal } from "../../kit/dialog";
import { bytes, count } from "../../lib/format";

export default function Upload({ close }: { close: () => void }) {
  const workspace = useWorkspace();
  const go = useGo();
  const [files, setFiles] = useState<Dropped[]>([]);
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [part, setPart] = useState<number | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [over, setOver] = useState(false);
  const take = (taken: Dropped[]) => {
    setFiles(taken);
    if (!name && taken[0]) setName(taken[0].path.split("/")[0]!.replace(/\.[^.]+$/, "").replace(/[^\w-]+/g, "-"));
  };
  const send = async () => {
    setError(null);
    setPart(0);
    try {
      const single = files.length === 1 && !files[0]!.path.includes("/");
      const first = files[0]!.path.split("/")[0]!;
      const inner = files.every((file) => file.path.startsWith(`${first}/`)) ? files.map((file) => ({ ...file, path: file.path.slice(first.length + 1) })) : files;
      const root = await uploadTree(workspace, inner, setPart);
      const spec = { name, description: about || undefined, type: single ? "uri_file" : "uri_folder", path: single ? `content://${root}/${files[0]!.path}` : `content://${root}` };
      const made = await call("data.create", { workspace, spec });
      await queries.invalidateQueries({ predicate: (query) => String(query.queryKey[0]).startsWith("data.") });
      toast.success(`${made.name}, version ${made.version}`);
      close();
      go(assetPath("data", made.name), { version: made.version, tab: "preview" });
    } catch (problem) {
      setError(problem as Error);
      setPart(null);
    }
  };
  const size = files.reduce((sum, item) => sum + item.file.size, 0);
  return (
    <Modal open close={close} title="Add data" actions={<><Button onClick={close}>Cancel</Button><Button kind="primary" disabled={!files.length || !name || part !== null} onClick={() => void send()}>{part === null ? "Add" : `${Math.round(part * 100)} %`}</Button></>}>
      <div className={`drop ${over ? "over" : ""}`} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={(event) => { event.preventDefault(); setOver(false); void dropped(event.dataTransfer).then(take); }}>
        {files.length ? <b>{count(files.length)} file{files.length === 1 ? "" : "s"}, {bytes(size)}</b> : "Drop files or a folder here"}
        <div className="row" style={{ justifyContent: "center", marginTop: 8 }}>
          <label className="btn small">Choose files<input type="file" multiple hidden onChange={(event) => event.target.files && take(picked(event.target.files))} /></label>
          <label className="btn small">Choose a folder<input type="file" hidden {...({ webkitdirectory: "" } as object)} onChange={(event) => event.target.files && take(picked(event.target.files))} /></label>
        </div>
      </div>
      <label className="col" style={{ gap: 4 }}>Name<input className="input" value={name} onChange={(event) => setName(event.target.value)} /></label>
      <label className="col" style={{ gap: 4 }}>About<input className="input" value={about} onChange={(event) => setAbout(event.target.value)} /></label>
      <p className="dim">An existing name gets its next version. The same content is stored once.</p>
      {error && <Failure error={error} />}
    </Modal>
  );
}
