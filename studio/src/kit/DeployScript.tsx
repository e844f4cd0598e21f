// A model that says nothing of how it is asked needs a scoring script, and the environment that it runs in.
import { useState } from "react";
import { useApi, useWorkspace } from "../data/hooks";
import { picked, uploadTree, type Dropped } from "../data/upload";
import { count } from "../lib/format";
import { Segments } from "./basic";
import { Code } from "./Code";

export interface Scoring {
  environment: string; // "": Python alone
  script: string; // its path in the folder
  upload: () => Promise<string>; // the address of the folder
}

const template = (model: string): string => `import json
import os


def init():
    """Runs once, when the deployment starts."""
    global model
    folder = os.environ["AZUREML_MODEL_DIR"]  # the files of ${model} lie below it
    raise NotImplementedError(f"load the model from {os.listdir(folder)}")


def run(data):
    """Answers a request: data is its text."""
    rows = json.loads(data)["input_data"]["data"]
    return model.predict(rows).tolist()
`;

export default function DeployScript({ model, change }: { model: string; change: (scoring: Scoring | null) => void }) {
  const workspace = useWorkspace();
  const environments = useApi("environment.list", { max_results: 500 });
  const [way, setWay] = useState<"here" | "folder">("here");
  const [text, setText] = useState(() => template(model));
  const [files, setFiles] = useState<Dropped[]>([]);
  const [chosen, setChosen] = useState("");
  const [environment, setEnvironment] = useState("");
  const scripts = files.map((item) => item.path).filter((path) => path.endsWith(".py"));
  const tell = (to: { way: typeof way; text: string; files: Dropped[]; chosen: string; environment: string }) => {
    const here = to.way === "here";
    const tree = here ? [{ path: "score.py", file: new File([to.text], "score.py") }] : to.files;
    const script = here ? "score.py" : to.chosen;
    const ready = here ? to.text.trim() !== "" && to.text !== template(model) : script !== "";
    change(ready ? { environment: to.environment, script, upload: async () => `content://${await uploadTree(workspace, tree)}` } : null);
  };
  const now = { way, text, files, chosen, environment };
  const take = (list: Dropped[]) => {
    const top = list[0]?.path.split("/")[0] ?? "";
    const inner = list.map((item) => ({ ...item, path: item.path.startsWith(`${top}/`) ? item.path.slice(top.length + 1) : item.path }));
    const found = inner.map((item) => item.path).filter((path) => path.endsWith(".py"));
    const first = found.find((path) => /(^|\/)score\.py$/.test(path)) ?? found[0] ?? "";
    setFiles(inner);
    setChosen(first);
    tell({ ...now, files: inner, chosen: first });
  };
  return (
    <section className="col" style={{ gap: 8 }} aria-label="Scoring script">
      <p className="note">This model is neither MLflow nor ONNX, so it does not say how it is asked: a script with <code>init()</code> and <code>run(data)</code> does.</p>
      <Segments label="Where the script is" value={way} options={[["here", "Write it here"], ["folder", "A folder with code"]] as const} onChange={(to) => { setWay(to); tell({ ...now, way: to }); }} />
      {way === "here" ? (
        <div style={{ border: "1px solid var(--edge)", borderRadius: 6, overflow: "hidden" }}><Code text={text} language="python" label="Scoring script" height={230} onChange={(to) => { setText(to); tell({ ...now, text: to }); }} /></div>
      ) : (
        <div className="row wrap">
          <label className="btn small">Choose a folder<input type="file" className="sr" aria-label="Folder with code" {...({ webkitdirectory: "" } as object)} onChange={(event) => event.target.files && take(picked(event.target.files))} /></label>
          <span className="dim">{files.length ? `${count(files.length)} file${files.length === 1 ? "" : "s"}` : "nothing chosen yet"}</span>
          {files.length > 0 && (scripts.length ? (
            <label className="row">Script<select className="select" value={chosen} onChange={(event) => { setChosen(event.target.value); tell({ ...now, chosen: event.target.value }); }}>{scripts.map((path) => <option key={path}>{path}</option>)}</select></label>
          ) : <span style={{ color: "var(--bad)" }} role="alert">No Python file is in it.</span>)}
        </div>
      )}
      <label className="col" style={{ gap: 4 }}>
        Environment
        <select className="select" value={environment} onChange={(event) => { setEnvironment(event.target.value); tell({ ...now, environment: event.target.value }); }}>
          <option value="">Python alone</option>
          {environments.data?.items.map((item) => <option key={item.name} value={`azureml:${item.name}@latest`}>{item.name}</option>)}
        </select>
      </label>
    </section>
  );
}
