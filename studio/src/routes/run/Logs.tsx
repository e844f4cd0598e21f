// The log of a job: its end first, what comes as it comes, and the rest when it is asked for.
import { useCallback, useEffect, useMemo, useState } from "react";
import type { JobView } from "../../data/api";
import { address as addressOf, call, send } from "../../data/client";
import { useApi, useConnection, useTopic, useWorkspace } from "../../data/hooks";
import { Button, Empty, Failure, FilterField, Skeleton } from "../../kit/basic";
import { Icon } from "../../kit/Icon";
import { LogLines } from "../../kit/LogLines";
import { isBad } from "../../lib/ansi";
import { bytes, count } from "../../lib/format";
import { isLive } from "../../lib/status";

const WINDOW = 2_000_000; // bytes that are read at once

interface Held {
  start: number; // offset of the first byte that is shown
  line: number | null; // its number; not known at once in the middle of a log
  end: number;
  lines: string[]; // the last one is unfinished
}

async function read(workspace: string, name: string, offset: number, most: number): Promise<{ text: string; end: number }> {
  const control = new AbortController();
  const answer = await send("jobs.log", { workspace, name, offset }, control.signal);
  const reader = answer.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let end = offset;
  while (end - offset < most) {
    const { value, done } = await reader.read();
    if (done) break;
    end += value.length;
    text += decoder.decode(value, { stream: true });
  }
  if (end - offset >= most) control.abort();
  return { text, end };
}

export default function Logs({ job }: { job: JobView }) {
  const workspace = useWorkspace();
  const live = isLive(job.status);
  const [held, setHeld] = useState<Held | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(false);
  const [only, setOnly] = useState(false);
  const [text, setText] = useState("");
  const [regex, setRegex] = useState(false);
  const [atEnd, setAtEnd] = useState(true); // the window reaches the end of the log
  const [target, setTarget] = useState<number | null>(null); // an offset to scroll to
  const size = useApi("jobs.log_size", { name: job.name }, { refetchInterval: live ? 10_000 : false });
  const hits = useApi("jobs.log_search", { name: job.name, text, regex }, { retry: false, enabled: text.length > 0, staleTime: live ? 0 : 60_000 });

  const load = useCallback(
    async (offset: number, last: boolean, to: number | null = null) => {
      try {
        const piece = await read(workspace, job.name, offset, WINDOW * 2);
        const lines = piece.text.split("\n");
        const cut = offset > 0 && lines.length > 1 ? lines.shift()! : "";
        const start = offset + new TextEncoder().encode(cut).length + (cut ? 1 : 0);
        setHeld({ start, line: start === 0 ? 1 : null, end: piece.end, lines });
        setAtEnd(last);
        setTarget(to);
        setError(null);
      } catch (problem) {
        setError(problem as Error);
      }
    },
    [workspace, job.name],
  );
  const end = useCallback(async () => {
    const now = await call("jobs.log_size", { workspace, name: job.name }).catch((problem: Error) => (setError(problem), null));
    if (now) await load(Math.max(0, now.bytes - WINDOW), true);
    setFollow(true);
  }, [load, workspace, job.name]);
  useEffect(() => void end(), [end]);
  const back = useConnection().state === "open";
  useEffect(() => {
    if (back && error) void end(); // what failed while the server was away is asked again
  }, [back]);

  const ready = held !== null && atEnd;
  useTopic(
    ready && !error ? `runs/${job.name}/log` : null,
    (frame) => {
      if (frame.op === "gap") void end();
      if (frame.op !== "evt" || !frame.data?.text) return;
      setHeld((now) => {
        if (!now) return now;
        const [first, ...rest] = String(frame.data.text).split("\n");
        const lines = now.lines.slice();
        lines[lines.length - 1] = (lines.at(-1) ?? "") + first;
        lines.push(...rest);
        return { ...now, end: Number(frame.seq), lines };
      });
    },
    held ? String(held.end) : undefined,
  );

  const start = held?.start ?? 0;
  useEffect(() => {
    if (start === 0) return;
    const control = new AbortController();
    call("jobs.log_line", { workspace, name: job.name, offset: start }, control.signal)
      .then((found) => setHeld((now) => (now?.start === start ? { ...now, line: found.line } : now)))
      .catch(() => undefined); // lines are shown without their numbers then
    return () => control.abort();
  }, [start, workspace, job.name]);

  const lines = held?.lines ?? [];
  const shown = useMemo(() => {
    const all = lines.length && lines.at(-1) === "" ? lines.slice(0, -1) : lines;
    const found = all.map((line, at) => [at + 1, line] as const);
    return only ? found.filter(([, line]) => isBad(line)) : found;
  }, [lines, only]);

  const wanted = useMemo(() => {
    if (target === null || !held) return null;
    let offset = held.start;
    const encoder = new TextEncoder();
    const at = held.lines.findIndex((line) => (offset += encoder.encode(line).length + 1) > target);
    return at >= 0 ? { at } : null;
  }, [target, held?.start]);

  const jump = (offset: number) => {
    setFollow(false);
    setOnly(false);
    if (held && offset >= held.start && offset < held.end) setTarget(offset);
    else void load(Math.max(0, offset - WINDOW / 2), false, offset);
  };
  const total = size.data?.bytes ?? held?.end ?? 0;
  const download = addressOf("jobs.log", { workspace, name: job.name }).url.href;
  if (error) return <div style={{ padding: 16 }}><Failure error={error} retry={() => void end()} /></div>;
  if (!held) return <Skeleton />;
  return (
    <div className="full" style={{ borderTop: 0 }}>
      <div className="logbar" style={{ borderTop: 0 }}>
        <FilterField value={text} onChange={setText} placeholder="Search the whole log" label="Search the log" bad={!!hits.error} />
        <Button aria-pressed={regex} aria-label="Regular expression" className="mono" onClick={() => setRegex(!regex)} tip="Regular expression (RE2); (?-i) heeds the case">.*</Button>
        {text && !hits.error && hits.data && (
          <span className="dim">
            {count(hits.data.hits.length)}{hits.data.complete ? "" : "+"} line{hits.data.hits.length === 1 ? "" : "s"}
          </span>
        )}
        <Button aria-pressed={only} onClick={() => setOnly(!only)} icon="s-warn" tip="Only lines that tell of errors">Errors</Button>
        <Button aria-pressed={wrap} onClick={() => setWrap(!wrap)} icon="wrap" tip="Wrap long lines">Wrap</Button>
        <span className="grow" />
        <span className="dim" aria-live="polite">{held.start > 0 || !atEnd ? `${bytes(held.end - held.start)} of ${bytes(total)}` : `${count(shown.length)} lines, ${bytes(held.end)}`}</span>
        <Button aria-pressed={follow && atEnd} icon="down" onClick={() => (atEnd ? setFollow(!follow) : void end())} tip={live ? "Keep the newest line in view" : "To the end"}>{live ? "Follow" : "End"}</Button>
        <a className="btn icon" href={download} download={`${job.name}.log`} aria-label="Download the log"><Icon name="download" size={15} /></a>
      </div>
      {text && hits.error && <div className="error" role="alert" style={{ margin: "0 16px 8px" }}><div className="grow">{hits.error.message}</div></div>}
      {text && !hits.error && hits.data && hits.data.hits.length > 0 && (
        <div style={{ maxHeight: 150, overflow: "auto", borderTop: "1px solid var(--line)", background: "var(--panel)" }} role="list" aria-label="Hits">
          {hits.data.hits.map((hit) => (
            <div role="listitem" key={hit.offset}>
              <button type="button" className="row" style={{ width: "100%", padding: "0 16px", minHeight: 24 }} onClick={() => jump(hit.offset)}>
                <span className="dim num" style={{ width: 64 }}>{hit.line}</span>
                <span className="mono clip">{hit.text.slice(0, hit.start)}<mark>{hit.text.slice(hit.start, hit.end)}</mark>{hit.text.slice(hit.end)}</span>
              </button>
            </div>
          ))}
        </div>
      )}
      <div className={`logs ${wrap ? "wraps" : ""}`}>
        {held.start > 0 && (
          <button type="button" className="btn small" style={{ alignSelf: "center", margin: 6 }} onClick={() => { setFollow(false); void load(Math.max(0, held.start - WINDOW), false, held.start); }}>
            Earlier lines
          </button>
        )}
        {shown.length === 0 ? (
          <Empty title={only ? "No line tells of an error" : live ? "Nothing was printed yet" : "The job printed nothing"} />
        ) : (
          <LogLines
            lines={shown}
            first={held.line}
            wrap={wrap}
            wanted={regex ? "" : text}
            target={wanted}
            follow={follow && atEnd}
            label="Log"
            moved={(low) => {
              if (!low && follow) setFollow(false);
              else if (low && !follow && atEnd && live) setFollow(true);
            }}
          />
        )}
      </div>
    </div>
  );
}
