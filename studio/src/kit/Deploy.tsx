// Put a version of a model behind an endpoint, from wherever one is.
import { lazy, Suspense, useRef, useState } from "react";
import { ApiError, call } from "../data/client";
import { useAction, useApi, useWorkspace } from "../data/hooks";
import { assetPath, useGo } from "../data/nav";
import { quote } from "../lib/snippets";
import { Button, Failure, Skeleton } from "./basic";
import type { Scoring } from "./DeployScript";
import { Modal } from "./dialog";

const DeployScript = lazy(() => import("./DeployScript"));
const COLORS = ["blue", "green", "red", "amber", "violet"];
const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9-]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 32);

export function Deploy({ model, version, endpoint, close }: { model?: string; version?: string; endpoint?: string; close: () => void }) {
  const go = useGo();
  const workspace = useWorkspace();
  const models = useApi("model.list", { max_results: 500 }, { enabled: !model });
  const endpoints = useApi("online-endpoint.list", {}, { enabled: !endpoint });
  const [chosen, setChosen] = useState("");
  const [target, setTarget] = useState<string | null>(null);
  const [named, setNamed] = useState<string | null>(null);
  const [all, setAll] = useState(false); // what serves already goes on
  const suggested = plain(model ?? "") || "endpoint";
  const to = endpoint ?? target ?? suggested;
  const known = endpoint !== undefined || !!endpoints.data?.items.some((item) => item.name === to);
  const there = useApi("online-deployment.list", { endpoint: to }, { enabled: known, placeholderData: undefined, retry: false });
  const taken = known ? (there.data?.items ?? []) : [];
  const name = named ?? COLORS.find((color) => !taken.some((item) => item.name === color)) ?? `v${version ?? taken.length + 1}`;
  const what = model ? `azureml:${model}:${version}` : chosen && `azureml:${chosen}`;
  const everything = all || !taken.length;
  const deploy = useAction("online-deployment.create", () => {
    close();
    go(assetPath("endpoints", to));
  }, ["online-endpoint."]);
  const [of, ofVersion] = model ? [model, version] : [chosen.slice(0, chosen.lastIndexOf(":")), chosen.slice(chosen.lastIndexOf(":") + 1)];
  const about = useApi("model.show", { name: of, version: ofVersion }, { enabled: !!of, placeholderData: undefined });
  const missing = deploy.error instanceof ApiError && deploy.error.code === "ScoringScriptMissing";
  const scripted = missing || (about.data?.type === "custom_model" && !Object.keys((about.data.flavors as object | undefined) ?? {}).length);
  const [scoring, setScoring] = useState<Scoring | null>(null);
  const [problem, setProblem] = useState<Error | null>(null);
  const code = useRef<Record<string, unknown>>({});
  const create = useAction("online-endpoint.create", () => send());
  const send = () => deploy.mutate({ spec: { name, endpoint_name: to, model: what, instance_count: 1, ...code.current }, all_traffic: everything });
  const start = async () => {
    setProblem(null);
    try {
      code.current = scripted && scoring ? { code_configuration: { code: await scoring.upload(), scoring_script: scoring.script }, ...(scoring.environment ? { environment: scoring.environment } : {}) } : {};
    } catch (error) {
      return setProblem(error as Error);
    }
    const found = known || (await call("online-endpoint.list", { workspace })).items.some((item) => item.name === to);
    if (found) send();
    else create.mutate({ spec: { name: to } });
  };
  const error = problem ?? create.error ?? (missing ? null : deploy.error);
  const replaces = taken.some((item) => item.name === name);
  return (
    <Modal
      open
      close={close}
      wide={scripted}
      title={model ? `Deploy ${model}:${version}` : `Deploy to ${endpoint}`}
      actions={<Button kind="primary" disabled={!what || !to || !name || (!!of && about.isPending) || (scripted && !scoring) || create.isPending || deploy.isPending} onClick={() => void start()}>Deploy</Button>}
    >
      {!model && (
        <label className="col" style={{ gap: 4 }}>
          Model
          <select className="select" value={chosen} onChange={(event) => setChosen(event.target.value)}>
            <option value="">choose one</option>
            {models.data?.items.map((item) => <option key={item.name} value={`${item.name}:${item.version}`}>{item.name}:{item.version}</option>)}
          </select>
        </label>
      )}
      {!endpoint && (
        <label className="col" style={{ gap: 4 }}>
          Endpoint
          <input className="input" autoFocus list="endpoints-there" value={to} onChange={(event) => setTarget(event.target.value)} />
          <span className="dim">{known ? "It is there already." : "It is made for this."}</span>
        </label>
      )}
      <datalist id="endpoints-there">{endpoints.data?.items.map((item) => <option key={item.name} value={item.name} />)}</datalist>
      <label className="col" style={{ gap: 4 }}>
        Deployment
        <input className="input" value={name} onChange={(event) => setNamed(event.target.value)} />
        {replaces && <span className="dim">One of that name runs: it is swapped without losing a request, and swapped back if it is worse.</span>}
      </label>
      <label className="row">
        <input type="checkbox" checked={everything} disabled={!taken.length} onChange={(event) => setAll(event.target.checked)} />
        Send all traffic to it once it runs
      </label>
      {scripted && <Suspense fallback={<Skeleton />}><DeployScript key={what} model={what.replace("azureml:", "")} change={setScoring} /></Suspense>}
      <pre className="code">{`${known ? "" : `zaffre online-endpoint create --name ${quote(to)}\n`}cat > deployment.yml <<END\nname: ${name}\nendpoint_name: ${to}\nmodel: ${what || "azureml:MODEL:VERSION"}${scripted ? `\ncode_configuration:\n  code: ./src\n  scoring_script: ${scoring?.script ?? "score.py"}${scoring?.environment ? `\nenvironment: ${scoring.environment}` : ""}` : ""}\nEND\nzaffre online-deployment create -f deployment.yml${everything ? " --all-traffic" : ""}`}</pre>
      {error && <Failure error={error} />}
    </Modal>
  );
}
