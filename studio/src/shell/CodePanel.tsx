import { useEffect, useState } from "react";
import { Button, copy, Segments } from "../kit/basic";
import { usePageSnippets, usePanel } from "./state";

type Way = "python" | "cli" | "rest" | "yaml";
const TITLES: Record<Way, string> = { python: "Python", cli: "CLI", rest: "REST", yaml: "YAML" };

export function CodePanel() {
  const [open, setOpen] = usePanel();
  const snippets = usePageSnippets();
  const [way, setWay] = useState<Way>("python");
  useEffect(() => {
    if (!open) return;
    const press = (event: KeyboardEvent) => event.key === "Escape" && (event.preventDefault(), setOpen(false));
    window.addEventListener("keydown", press, true);
    return () => window.removeEventListener("keydown", press, true);
  }, [open, setOpen]);
  if (!open || !snippets) return null;
  const ways = (["python", "cli", "rest", "yaml"] as const).filter((item) => snippets[item]);
  const shown = snippets[way] ? way : "python";
  const text = snippets[shown] ?? "";
  return (
    <aside className="codepanel" aria-label="This page as code">
      <header>
        <h2 className="grow">This page as code</h2>
        <Button kind="ghost small" icon="close" tip="Close" onClick={() => setOpen(false)} />
      </header>
      <div className="row" style={{ padding: "0 16px" }}>
        <Segments label="Language" value={shown} options={ways.map((item) => [item, TITLES[item]] as const)} onChange={setWay} />
        <span className="grow" />
        <Button icon="copy" onClick={() => void copy(text)}>Copy</Button>
      </div>
      <div className="body">
        <pre className="code" style={{ whiteSpace: "pre-wrap" }}>{text}</pre>
        <p className="dim" style={{ marginTop: 10 }}>Made from the request that this page sent. The token is read from the environment and never shown.</p>
      </div>
    </aside>
  );
}
