// Words among the charts, in Markdown; they travel in the address, as the charts do.
import { useState, type ReactNode } from "react";
import { Button } from "../../kit/basic";
import Markdown from "../../kit/Markdown";

const MOST = 2_000; // characters: an address has its limits

export default function Note({ text, span, change, close, grip }: { text: string; span: number; change: (text: string) => void; close: () => void; grip: ReactNode }) {
  const [draft, setDraft] = useState<string | null>(null);
  const done = () => {
    if (draft !== null && draft.trim() && draft !== text) change(draft);
    setDraft(null);
  };
  return (
    <section className="panel" style={{ gridColumn: `span ${span}` }} aria-label="Text">
      <header>
        <h3 className="dim">Text</h3>
        <Button kind="ghost small" onClick={() => (draft === null ? setDraft(text) : done())}>{draft === null ? "Edit" : "Done"}</Button>
        {grip}
        <Button kind="ghost small" icon="close" tip="Take this text away" onClick={close} />
      </header>
      <div className="plot" style={{ padding: "4px 12px 10px" }}>
        {draft === null ? (
          <Markdown text={text} />
        ) : (
          <textarea
            className="input mono"
            aria-label="Text in Markdown"
            autoFocus
            rows={8}
            maxLength={MOST}
            style={{ width: "100%", height: "auto", padding: 8 }}
            value={draft}
            onChange={(event) => setDraft(event.target.value)}
            onKeyDown={(event) => {
              event.stopPropagation();
              if (event.key === "Escape") setDraft(null);
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) done();
            }}
          />
        )}
      </div>
    </section>
  );
}
