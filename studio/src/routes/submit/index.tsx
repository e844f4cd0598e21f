import { useEffect, useRef, useState } from "react";
import { toast } from "../../kit/toast";
import { parse, parseDocument, stringify } from "yaml";
import type { PlanView } from "../../data/api";
import { ApiError, call } from "../../data/client";
import { queries, useApi, useWorkspace } from "../../data/hooks";
import { jobPath, useAddress, useGo } from "../../data/nav";
import { dropped, picked, uploadTree, type Dropped } from "../../data/upload";
import { Button, Card, Chip, Failure } from "../../kit/basic";
import { Code } from "../../kit/Code";
import { Go } from "../../kit/Go";
import { Icon } from "../../kit/Icon";
import { close, join, type Json, type Source } from "../../lib/close";
import { count, duration } from "../../lib/format";
import { PageHead } from "../../shell/PageHead";

const HELLO = `$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
type: command
display_name: hello
experiment_name: first-steps
command: >-
  echo "Hello, \${{inputs.name}}" && echo "# A report" > \${{outputs.report}}/report.md
environment:
  requirements: []
inputs:
  name: world
outputs:
  report:
    type: uri_folder
`;

export function Page() {
  const workspace = useWorkspace();
  const [address] = useAddress();
  const go = useGo();
  const from = address.from;
  const former = useApi("jobs.document", { name: from }, { enabled: !!from, staleTime: "static" });
  const [text, setText] = useState(from ? "" : HELLO);
  const [files, setFiles] = useState<Dropped[]>([]);
  const [base, setBase] = useState("");
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [plan, setPlan] = useState<PlanView | null>(null);
  const closed = useRef<{ text: string; spec: Json } | null>(null);
  useEffect(() => {
    if (former.data) setText(stringify(former.data.spec, { lineWidth: 110 }));
  }, [former.data]);

  const change = (next: string) => {
    setText(next);
    setPlan(null);
    setError(null);
  };
  const take = async (taken: Dropped[]) => {
    const yamls = taken.filter((item) => /\.ya?ml$/i.test(item.path)).sort((one, other) => one.path.split("/").length - other.path.split("/").length || score(other.path) - score(one.path));
    setFiles(taken);
    closed.current = null;
    const main = yamls[0];
    if (!main) return;
    setBase(main.path.split("/").slice(0, -1).join("/"));
    change(await main.file.text());
  };
  const document_ = async (): Promise<Json> => {
    if (closed.current?.text === text) return closed.current.spec;
    const spec = await close(text, base, sourceOf(workspace, files, (part) => setBusy(`Uploading ${Math.round(part * 100)} %`)));
    closed.current = { text, spec };
    return spec;
  };
  const run = async (what: "plan" | "submit") => {
    setError(null);
    setBusy(what === "plan" ? "Planning" : "Submitting");
    try {
      const spec = await document_();
      setBusy(what === "plan" ? "Planning" : "Submitting");
      if (what === "plan") setPlan(await call("jobs.plan", { workspace, spec }));
      else {
        const job = await call("jobs.create", { workspace, spec });
        void queries.invalidateQueries({ predicate: (query) => /^(jobs|runs)\./.test(String(query.queryKey[0])) });
        toast.success(`Submitted ${job.display_name ?? job.name}`);
        go(jobPath(job.name));
      }
    } catch (problem) {
      setError(problem as Error);
    } finally {
      setBusy(null);
    }
  };
  const inputs = inputsOf(text);
  const needs = !!plan || !/type:\s*pipeline/.test(text);
  return (
    <>
      <PageHead
        title={from ? "Resubmit with edits" : "Submit"}
        crumbs={[{ title: "Jobs", to: "/jobs" }, ...(from ? [{ title: from, to: jobPath(from) }] : [])]}
        snippets={{ python: "from zaffre import Workspace, load_job\n\nws = Workspace.from_home()\njob = ws.jobs.create_or_update(load_job(\"job.yml\"))\nws.jobs.stream(job.name)", cli: "zaffre job plan -f job.yml\nzaffre job create -f job.yml --stream", rest: "curl -X POST " + new URL(`api/workspaces/${workspace}/jobs`, document.baseURI).href + " \\\n  -H \"Authorization: Bearer $ZAFFRE_TOKEN\" \\\n  -H 'Content-Type: application/json' \\\n  -d '{\"spec\": ...}'", yaml: text }}
        actions={
          <>
            <Button icon="eye" disabled={!!busy || !text.trim()} onClick={() => void run("plan")}>{busy === "Planning" ? "Planning" : "Plan"}</Button>
            <Button kind="primary" icon="play" disabled={!!busy || !text.trim()} onClick={() => void run("submit")}>{busy && busy !== "Planning" ? busy : "Submit"}</Button>
          </>
        }
      />
      <div
        className="full"
        style={{ display: "grid", gridTemplateColumns: "minmax(0,1fr) 360px" }}
        onDragOver={(event) => { event.preventDefault(); setOver(true); }}
        onDragLeave={(event) => event.currentTarget === event.target && setOver(false)}
        onDrop={(event) => { event.preventDefault(); setOver(false); void dropped(event.dataTransfer).then(take); }}
      >
        <div style={{ minHeight: 0, minWidth: 0, display: "flex", flexDirection: "column" }}>
          {former.error && <div style={{ padding: 12 }}><Failure error={former.error} /></div>}
          <Code text={text} language="job.yml" onChange={change} label="Document of the job, in YAML" />
        </div>
        <div className="stack" style={{ padding: 12, overflow: "auto", borderLeft: "1px solid var(--line)" }} tabIndex={0} role="region" aria-label="Files, inputs and plan">
          {error && <Problem error={error} />}
          {plan && <Plan plan={plan} />}
          {!plan && !error && !needs && <p className="note">Plan first: it says which steps would run, which are reused and why, before anything does.</p>}
          {inputs.length > 0 && (
            <Card title="Inputs">
              <div className="col">
                {inputs.map(([name, value]) => (
                  <label key={name} className="col" style={{ gap: 3 }}>
                    <span className="ink2">{name}</span>
                    {typeof value === "boolean" ? <select className="select" value={String(value)} onChange={(event) => change(withInput(text, name, event.target.value === "true"))}><option>true</option><option>false</option></select> : <input className="input" type={typeof value === "number" ? "number" : "text"} step="any" value={String(value)} onChange={(event) => change(withInput(text, name, typeof value === "number" && event.target.value !== "" ? Number(event.target.value) : event.target.value))} />}
                  </label>
                ))}
              </div>
            </Card>
          )}
          <div className={`drop ${over ? "over" : ""}`}>
            <Icon name="upload" />
            <p style={{ margin: "4px 0" }}>{files.length ? <b>{count(files.length)} files of {files[0]!.path.split("/")[0]}</b> : "Drop a YAML file, or the folder with it and its code"}</p>
            <div className="row" style={{ justifyContent: "center" }}>
              <label className="btn small">Choose a file<input type="file" accept=".yml,.yaml" hidden onChange={(event) => event.target.files && void take(picked(event.target.files))} /></label>
              <label className="btn small">Choose a folder<input type="file" hidden {...({ webkitdirectory: "" } as object)} onChange={(event) => event.target.files && void take(picked(event.target.files))} /></label>
            </div>
          </div>
          <p className="dim">The language is that of Azure ML v2: commands, pipelines, components. What it names by a local path is taken from the folder that you drop.</p>
        </div>
      </div>
    </>
  );
}

const score = (path: string): number => (/(pipeline|job)\.ya?ml$/i.test(path) ? 2 : /pipeline|job/i.test(path) ? 1 : 0);

function sourceOf(workspace: string, files: Dropped[], told: (part: number) => void): Source {
  const by = new Map(files.map((item) => [join("", item.path)!, item]));
  const below = (path: string) => files.filter((item) => path === "" || item.path.startsWith(`${path}/`)).map((item) => ({ ...item, path: path === "" ? item.path : item.path.slice(path.length + 1) }));
  return {
    has: (path) => by.has(path) || below(path).length > 0,
    text: (path) => by.get(path)!.file.text(),
    address: async (path, asFolder) => {
      const single = by.get(path);
      if (!single) return `content://${await uploadTree(workspace, below(path), told)}`;
      const name = path.split("/").at(-1)!;
      const root = await uploadTree(workspace, [{ path: name, file: single.file }], told);
      return asFolder ? `content://${root}` : `content://${root}/${name}`;
    },
  };
}

/** Literal inputs of the document, for the form. */
function inputsOf(text: string): [string, string | number | boolean][] {
  try {
    const inputs = (parse(text) as Json | null)?.inputs;
    return Object.entries(inputs && typeof inputs === "object" ? inputs : {}).filter((item): item is [string, string | number | boolean] => ["string", "number", "boolean"].includes(typeof item[1]));
  } catch {
    return [];
  }
}

function withInput(text: string, name: string, value: unknown): string {
  const document_ = parseDocument(text);
  document_.setIn(["inputs", name], value);
  return document_.toString({ lineWidth: 0 });
}

function Problem({ error }: { error: Error }) {
  if (!(error instanceof ApiError) || !error.faults.length) return <Failure error={error} />;
  return (
    <div className="error" role="alert">
      <div className="col grow" style={{ gap: 4 }}>
        <b>{error.faults.length === 1 ? "One thing is wrong" : `${error.faults.length} things are wrong`}</b>
        {error.faults.map((fault, at) => <div key={at} className="pre">{fault.field ? <span className="mono">{fault.field}: </span> : ""}{fault.message}</div>)}
        {error.hint && <div className="ink2 pre">{error.hint}</div>}
      </div>
    </div>
  );
}

function Plan({ plan }: { plan: PlanView }) {
  return (
    <Card title="Plan" flush>
      <div className="row wrap" style={{ padding: "8px 12px", borderBottom: "1px solid var(--line)" }}>
        <Chip kind="accent">{plan.will_run} will run</Chip>
        {plan.reused > 0 && <Chip kind="cache">{plan.reused} reused, saves {duration(plan.saved_s)}</Chip>}
        {plan.unknown > 0 && <Chip>{plan.unknown} known later</Chip>}
      </div>
      {plan.steps.map((step) => (
        <div key={step.step} style={{ padding: "7px 12px", borderBottom: "1px solid var(--line)" }}>
          <div className="row">
            <span className={`status ${step.runs === false ? "cache" : step.runs ? "accent" : "dim"}`}><Icon name={step.runs === false ? "s-bolt" : step.runs ? "play" : "s-wait"} size={14} /></span>
            <b className="clip grow">{step.step}</b>
            {step.saved_s ? <span className="dim">{duration(step.saved_s)}</span> : null}
          </div>
          <div className="dim">{step.cause}</div>
          {step.reused_from && <Go to={jobPath(step.reused_from)} className="link mono">{step.reused_from}</Go>}
        </div>
      ))}
    </Card>
  );
}
