import { useState } from "react";
import type { JobView } from "../../data/api";
import { useApi } from "../../data/hooks";
import { Answer, Empty, Segments } from "../../kit/basic";
import { Tree, Viewer, type Chosen } from "../../kit/Files";

export default function CodeTab({ job }: { job: JobView }) {
  const facts = useApi("jobs.facts", { name: job.name });
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [shown, setShown] = useState<"snapshot" | "diff">("snapshot");
  return (
    <Answer of={facts}>
      {(data) => {
        const diff = data.diff;
        if (!data.code && !diff) return <Empty title="No code was sent with this job">Its command used what was on the machine.</Empty>;
        return (
          <>
            {diff && (
              <div className="logbar" style={{ borderTop: 0 }}>
                <Segments label="Code" value={shown} options={[["snapshot", "Snapshot"], ["diff", "Uncommitted changes"]] as const} onChange={setShown} />
                <span className="dim mono">{data.git?.commit?.slice(0, 12)}</span>
              </div>
            )}
            {shown === "diff" && diff ? (
              <Diff text={diff} />
            ) : data.code ? (
              <div className="files">
                <Tree job={job.name} areas={[{ area: "code", title: `Snapshot · ${data.code.replace("content://", "").slice(0, 10)}` }]} chosen={chosen} choose={setChosen} />
                {chosen ? <Viewer key={chosen.path} job={job.name} file={chosen} /> : <Empty title="The code as it ran">Choose a file. What is here never changes, whatever happens to your folder.</Empty>}
              </div>
            ) : (
              <Empty title="No snapshot" />
            )}
          </>
        );
      }}
    </Answer>
  );
}

/** A unified diff, colored by its signs. */
export function Diff({ text }: { text: string }) {
  return (
    <div className="scroll mono" style={{ borderTop: "1px solid var(--line)", paddingTop: 8, whiteSpace: "pre" }} tabIndex={0} role="region" aria-label="Diff">
      {text.split("\n").map((line, at) => {
        const style = line.startsWith("+") && !line.startsWith("+++") ? { background: "var(--ok-bg)", color: "var(--ok)" } : line.startsWith("-") && !line.startsWith("---") ? { background: "var(--bad-bg)", color: "var(--bad)" } : line.startsWith("@@") ? { color: "var(--cache)" } : /^(diff|\+\+\+|---|index)/.test(line) ? { fontWeight: 600 } : undefined;
        return <div key={at} style={style}>{line || " "}</div>;
      })}
    </div>
  );
}
