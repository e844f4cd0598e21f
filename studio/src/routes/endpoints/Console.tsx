// Ask the endpoint from here: a form or JSON, one deployment or two on the same input.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Answered, DeploymentView, EndpointView } from "../../data/api";
import { ApiError, call, send } from "../../data/client";
import { useApi, useWorkspace } from "../../data/hooks";
import { Button, Card, Chip, Copy, Empty, Failure, Segments, Snippet } from "../../kit/basic";
import { Code } from "../../kit/Code";
import { value } from "../../lib/format";
import { calls, cell, columnsOf, difference, firstBody, longer, splitOf, type ColumnOf, type Split } from "../../lib/scoring";

type Result = { asked: string; answer?: Answered; error?: Error };

/** name:version of the registered model that a deployment runs. */
export function modelOf(deployment: DeploymentView | undefined): [string, string] | null {
  const model = (deployment as any)?.model;
  const found = typeof model === "string" ? /^azureml:([^:@]+):(.+)$/.exec(model) : null;
  return found ? [found[1]!, found[2]!] : null;
}

function useExample(deployment: DeploymentView | undefined): { example: unknown; ready: boolean } {
  const workspace = useWorkspace();
  const model = modelOf(deployment);
  const query = useQuery({
    queryKey: ["example", workspace, model],
    enabled: !!model,
    staleTime: "static",
    queryFn: async () => {
      const about: any = await call("model.show", { workspace, name: model![0], version: model![1] });
      const path = about.input_example?.artifact_path;
      if (!path) return null;
      try {
        return await (await send("model.file", { workspace, name: model![0], version: model![1], path })).json();
      } catch {
        return null; // the MLmodel names a file that is not there
      }
    },
  });
  return { example: query.data ?? undefined, ready: !model || !query.isPending };
}

export function Console({ endpoint, deployments }: { endpoint: EndpointView; deployments: DeploymentView[] }) {
  const workspace = useWorkspace();
  const traffic = (endpoint.traffic ?? {}) as Record<string, number>;
  const [to, setTo] = useState(""); // by traffic
  const [other, setOther] = useState("");
  const most = [...deployments].sort((one, two) => (traffic[two.name] ?? 0) - (traffic[one.name] ?? 0))[0];
  const asked = deployments.find((item) => item.name === to) ?? most;
  const schema = useApi("online-endpoint.schema", { name: endpoint.name, deployment_name: asked?.name }, { enabled: !!asked, staleTime: 30_000 });
  const { example, ready } = useExample(asked);
  const [text, setText] = useState<string | null>(null);
  const [way, setWay] = useState<"form" | "json">("json");
  const [results, setResults] = useState<Result[]>([]);
  const [busy, setBusy] = useState(false);
  const [code, setCode] = useState<"curl" | "python" | "cli">("curl");
  const columns = columnsOf(schema.data?.input);
  const first = firstBody(schema.data?.input, example);
  const known = ready && (schema.data !== undefined || schema.error !== null);
  useEffect(() => {
    if (!known || text !== null) return;
    setText(JSON.stringify(first.body, null, 1));
    if (splitOf(first.body)) setWay("form");
  }, [known]);
  const body = text ?? "";
  const parsed = parse(body);
  const table = parsed.ok ? splitOf(parsed.value) : null;

  const ask = async () => {
    if (!parsed.ok) return;
    setBusy(true);
    const targets = other && other !== to ? [to, other] : [to];
    setResults(
      await Promise.all(
        targets.map(async (name): Promise<Result> => {
          const request = { workspace, name: endpoint.name, body: parsed.value, ...(name ? { deployment_name: name } : {}) };
          try {
            return { asked: name, answer: await call("online-endpoint.invoke", request) };
          } catch (error) {
            return { asked: name, error: error as Error };
          }
        }),
      ),
    );
    setBusy(false);
  };
  const snippets = calls(endpoint.name, String(endpoint.scoring_uri), body, to || undefined);
  const sample = () => {
    setText(JSON.stringify(first.body, null, 1));
    if (splitOf(first.body)) setWay("form");
  };

  if (!deployments.length) return <Empty title="Nothing can be asked yet" snippet={`zaffre online-deployment create -f deployment.yml --all-traffic`}>The endpoint has no deployment.</Empty>;
  return (
    <div className="scroll" style={{ paddingTop: 12 }} onKeyDown={(event) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && (event.preventDefault(), void ask())}>
      <div className="console">
        <div className="stack">
          <Card
            title="Request"
            actions={
              <>
                <Segments label="How the input is written" value={way} options={[["form", "Form"], ["json", "JSON"]] as const} onChange={setWay} />
                <Button kind="small" onClick={sample}>Sample rows</Button>
              </>
            }
          >
            <div className="col" style={{ gap: 10 }}>
              <div className="row wrap">
                <label className="row">To <select className="select" aria-label="To" value={to} onChange={(event) => setTo(event.target.value)}><option value="">by traffic</option>{deployments.map((item) => <option key={item.name}>{item.name}</option>)}</select></label>
                {deployments.length > 1 && <label className="row">and to <select className="select" aria-label="and to" value={other} onChange={(event) => setOther(event.target.value)}><option value="">nobody else</option>{deployments.filter((item) => item.name !== to).map((item) => <option key={item.name}>{item.name}</option>)}</select></label>}
                <span className="grow" />
                <Button kind="primary" icon="play" disabled={!parsed.ok || busy || text === null} onClick={() => void ask()} tip="Send (Ctrl Enter)">{busy ? "Asking" : "Send"}</Button>
              </div>
              {way === "form" ? (
                table ? <Form table={table} columns={columns} onChange={(data) => setText(JSON.stringify(put(parsed.ok ? parsed.value : {}, { ...table, data, ...(table.index ? { index: data.map((_, at) => at) } : {}) }), null, 1))} /> : <p className="note">This input is no table of columns: write it as JSON.</p>
              ) : (
                <div style={{ border: "1px solid var(--edge)", borderRadius: 6, overflow: "hidden" }}><Code text={body} language="json" label="Input as JSON" height={280} onChange={setText} /></div>
              )}
              {!parsed.ok && body && <p style={{ color: "var(--bad)" }} role="alert">This is not JSON: {parsed.why}</p>}
              {known && <p className="dim" style={{ fontSize: 11 }}>The sample comes from {first.from}.{schema.error ? ` The schema could not be read: ${schema.error.message}` : ""}</p>}
            </div>
          </Card>
          <Card title="As code" actions={<Segments label="Language" value={code} options={[["curl", "curl"], ["python", "Python"], ["cli", "CLI"]] as const} onChange={setCode} />}>
            <Snippet text={snippets[code]} />
          </Card>
        </div>
        <div className="stack" aria-live="polite">
          {results.length === 0 && <Card title="Answer"><p className="dim">Send the request: the answer, its latency and the deployment that gave it show here. The server asks with the key of the endpoint; this page never sees it.</p></Card>}
          {results.length === 2 && <Differ one={results[0]!} other={results[1]!} />}
          {results.map((item, at) => <Shown key={at} result={item} />)}
        </div>
      </div>
    </div>
  );
}

function parse(text: string): { ok: true; value: any } | { ok: false; why: string } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, why: (error as Error).message };
  }
}

const put = (body: any, table: Split): unknown => (body?.input_data ? { ...body, input_data: table } : body?.dataframe_split ? { ...body, dataframe_split: table } : { ...body, ...table });

function Form({ table, columns, onChange }: { table: Split; columns: ColumnOf[]; onChange: (rows: unknown[][]) => void }) {
  const type = (name: string): string => columns.find((item) => item.name === name)?.type ?? "";
  const rows = table.data.slice(0, 20);
  const set = (row: number, column: number, text: string) => onChange(table.data.map((line, at) => (at === row ? line.map((now, here) => (here === column ? cell(text, type(table.columns[column]!)) : now)) : line)));
  return (
    <div style={{ overflow: "auto" }}>
      <table className="celltable">
        <thead><tr>{table.columns.map((name) => <th key={name}>{name}{type(name) && <span className="mono"> {type(name)}</span>}</th>)}<th><span className="sr">Remove</span></th></tr></thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {table.columns.map((name, column) => <td key={name}><Cell label={`${name}, row ${at + 1}`} value={row[column]} onChange={(text) => set(at, column, text)} /></td>)}
              <td><Button kind="ghost small" icon="close" tip="Remove the row" disabled={table.data.length < 2} onClick={() => onChange(table.data.filter((_, other) => other !== at))} /></td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="row">
        <Button kind="small" icon="plus" onClick={() => onChange([...table.data, [...(table.data.at(-1) ?? table.columns.map(() => 0))]])}>Row</Button>
        {table.data.length > rows.length && <span className="dim">{rows.length} of {table.data.length} rows; all are sent</span>}
      </div>
    </div>
  );
}

/** Keeps what is typed (`1.`, `-`) until it is left. */
function Cell({ label, value: now, onChange }: { label: string; value: unknown; onChange: (text: string) => void }) {
  const said = now === null || now === undefined ? "" : typeof now === "object" ? JSON.stringify(now) : String(now);
  const [text, setText] = useState<string | null>(null);
  return <input className="input" aria-label={label} value={text ?? said} spellCheck={false} onChange={(event) => { setText(event.target.value); onChange(event.target.value); }} onBlur={() => setText(null)} />;
}

function Shown({ result }: { result: Result }) {
  const { answer, error } = result;
  if (error) return <Failure error={error instanceof ApiError ? error : new Error("The request could not be sent.")} />;
  if (!answer) return null;
  const good = answer.status < 400;
  return (
    <Card title={<span className="row">{answer.deployment || result.asked || "Answer"}<Chip kind={good ? "ok" : "bad"}>{answer.status}</Chip></span>} actions={<><span className="dim" title="From the server to the endpoint and back">{value(answer.latency_ms)} ms</span><Copy text={answer.text} tip="Copy the answer" /></>}>
      <pre className="code answer" tabIndex={0} aria-label="Answer">{longer(answer.text)}</pre>
      <p className="dim mono" style={{ fontSize: 11, marginTop: 6 }}>request {answer.request_id}{answer.truncated && " · the answer is longer than what is shown"}</p>
    </Card>
  );
}

function Differ({ one, other }: { one: Result; other: Result }) {
  if (one.answer?.status !== 200 || other.answer?.status !== 200) return null;
  const [a, b] = [parse(one.answer?.text ?? ""), parse(other.answer?.text ?? "")];
  if (!a.ok || !b.ok) return null;
  const { equal, worst } = difference(a.value, b.value);
  return <div className={`note ${equal ? "" : "warn"}`} role="status">{equal ? "Both say the same." : `They say different things${worst ? `; numbers differ by up to ${value(worst)}` : ""}.`}</div>;
}
