// What the build of an environment printed: live while it is built, and kept afterwards.
import { useCallback, useEffect, useMemo, useState } from "react";
import type { AssetView, BuildLogView } from "../../data/api";
import { ApiError, call } from "../../data/client";
import { useTopic, useWorkspace } from "../../data/hooks";
import { Button, Chip, Empty, Failure, FilterField, Skeleton } from "../../kit/basic";
import { LogLines } from "../../kit/LogLines";
import { isBad } from "../../lib/ansi";
import { byStage, type Stage } from "../../lib/build";
import { ago, bytes, count, moment } from "../../lib/format";
import { quote } from "../../lib/snippets";

type Held = Pick<BuildLogView, "state" | "error" | "ended_at" | "text"> & { next: number };

const WORDS: Record<string, [string, string]> = { building: ["accent", "being built"], built: ["ok", "built"], failed: ["bad", "not built"], canceled: ["", "canceled"], absent: ["", "not built yet"] };

export default function BuildLog({ item }: { item: AssetView }) {
  const workspace = useWorkspace();
  const [held, setHeld] = useState<Held | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(false);
  const [only, setOnly] = useState(false);
  const [wanted, setWanted] = useState("");
  const [stage, setStage] = useState("");
  const load = useCallback(async () => {
    try {
      let told = await call("environment.build_log", { workspace, name: item.name, version: item.version });
      let text = told.text;
      while (told.next_offset > told.offset) {
        told = await call("environment.build_log", { workspace, name: item.name, version: item.version, offset: told.next_offset });
        text += told.text;
      }
      setHeld({ ...told, text, next: told.next_offset });
      setError(null);
    } catch (problem) {
      setError(problem as Error);
    }
  }, [workspace, item.name, item.version]);
  useEffect(() => void load(), [load]);
  useTopic(
    held ? `environments/${item.name}/${item.version}/build-log` : null,
    (frame) => {
      if (frame.op === "gap") setHeld((now) => now && { ...now, text: "" }); // another build begins, or its log was removed
      if (frame.op === "evt") setHeld((now) => now && { ...now, ...frame.data, text: now.text + frame.data.text, next: Number(frame.seq) });
    },
    held ? String(held.next) : undefined,
  );
  const lines = useMemo(() => (held?.text ?? "").replace(/\n$/, "").split("\n"), [held?.text]);
  const stages = useMemo(() => byStage(lines), [lines]);
  const shown = useMemo(() => {
    const inside = stages.find((one) => one.name === stage);
    const low = wanted.toLowerCase();
    return lines.map((line, at) => [at + 1, line] as const).filter(([number, line]) => (!inside || (number > inside.from && number <= inside.to)) && (!only || isBad(line)) && (!low || line.toLowerCase().includes(low)));
  }, [lines, stages, stage, wanted, only]);
  if (error) return <div style={{ padding: 16 }}><Failure error={error} retry={() => void load()} /></div>;
  if (!held) return <Skeleton />;
  const building = held.state === "building";
  const [role, word] = WORDS[held.state] ?? ["", held.state];
  const ref = `azureml:${item.name}:${item.version}`;
  if (!held.text && !building && held.state !== "failed") {
    return held.state === "built" ? (
      <Empty title="It is built, and its log is gone">It was built before logs were kept. Whatever builds it again writes a new one.</Empty>
    ) : (
      <Empty title="It is not built here yet" snippet={`zaffre job create -f job.yml --set environment=${quote(ref)}`}>The first job that needs it builds it, and all others share what was built. The log shows here while that happens.</Empty>
    );
  }
  return (
    <div className="full" style={{ borderTop: 0 }}>
      <div className="logbar" style={{ borderTop: 0 }}>
        <span role="status"><Chip kind={role}>{word}</Chip></span>
        <FilterField value={wanted} onChange={setWanted} placeholder="Search the log" label="Search the build log" />
        <Button aria-pressed={only} onClick={() => setOnly(!only)} icon="s-warn" tip="Only lines that tell of errors">Errors</Button>
        <Button aria-pressed={wrap} onClick={() => setWrap(!wrap)} icon="wrap" tip="Wrap long lines">Wrap</Button>
        <span className="grow" />
        <span className="dim">{shown.length < lines.length ? `${count(shown.length)} of ` : ""}{count(lines.length)} line{lines.length === 1 ? "" : "s"}, {bytes(held.next)}{held.ended_at && <span title={moment(held.ended_at)}>, {ago(held.ended_at)}</span>}</span>
        {building && <Button aria-pressed={follow} icon="down" onClick={() => setFollow(!follow)} tip="Keep the newest line in view">Follow</Button>}
      </div>
      {stages.length > 1 && <Stages stages={stages} chosen={stage} choose={setStage} />}
      {held.error && !building && <div style={{ padding: "0 16px 8px" }}><Failure error={new ApiError(400, String(held.error.code), String(held.error.message), held.error.hint ? String(held.error.hint) : undefined)} /></div>}
      <div className={`logs ${wrap ? "wraps" : ""}`}>
        {shown.length ? (
          <LogLines lines={shown} first={1} wrap={wrap} wanted={wanted} follow={building && follow} label="Build log" moved={(low) => !low && follow && setFollow(false)} />
        ) : (
          <Empty title={building && !held.text ? "Nothing was printed yet" : "No line is left"} action={wanted || only || stage ? <Button onClick={() => { setWanted(""); setOnly(false); setStage(""); }}>Show all lines</Button> : undefined} />
        )}
      </div>
    </div>
  );
}

/** The steps of the build with the time each took; one chosen shows its lines alone. */
const Stages = ({ stages, chosen, choose }: { stages: Stage[]; chosen: string; choose: (name: string) => void }) => (
  <div className="row wrap" style={{ padding: "0 16px 8px", gap: 4 }} role="group" aria-label="Steps of the build">
    {stages.map((one) => (
      <Button key={one.name} kind="small" aria-pressed={one.name === chosen} onClick={() => choose(one.name === chosen ? "" : one.name)}>
        {one.name} <span className="dim">{one.seconds.toFixed(1)} s</span>
      </Button>
    ))}
  </div>
);
