// Text as code. What is only read is drawn plainly; CodeMirror comes with the first word, for differences and for long texts.
import { lazy, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { flushSync } from "react-dom";
import type { Piece } from "./highlight";

export interface CodeProps {
  text: string;
  language?: string; // by the name of a file, or: yaml, json, python
  onChange?: (text: string) => void;
  label: string;
  height?: number | string;
  former?: string; // shows what changed since
}

const PLAIN_CHARS = 100_000; // above, only what is in view is drawn
const PLAIN_LINES = 2_000;
const loadEditor = () => import("./Editor");
const Editor = lazy(loadEditor);

export function Code(props: CodeProps) {
  if (props.onChange) return <Draft {...props} />;
  const long = props.text.length > PLAIN_CHARS || props.text.split("\n").length > PLAIN_LINES;
  if (props.former === undefined && !long) return <Listing {...props} />;
  return (
    <Suspense fallback={<pre tabIndex={0} className="code" style={box(props.height)}>{props.text.slice(0, 20_000)}</pre>}>
      <Editor {...props} />
    </Suspense>
  );
}

const box = (height: CodeProps["height"]) => ({ height, flex: height ? undefined : 1, minHeight: 0 });

/** The text in colors, as soon as its grammar is there; what was typed since stands without. */
function useColors(text: string, language = ""): ReactNode {
  const [drawn, setDrawn] = useState<{ text: string; pieces: Piece[] } | null>(null);
  useEffect(() => {
    let wanted = true;
    void import("./highlight").then(({ highlight }) => highlight(text, language)).then((pieces) => wanted && setDrawn({ text, pieces })).catch(() => undefined);
    return () => void (wanted = false);
  }, [text, language]);
  return drawn?.text === text ? drawn.pieces.map(([part, kind], at) => (kind ? <span key={at} className={kind}>{part}</span> : part)) : text;
}

const Numbers = ({ text }: { text: string }) => <pre className="nos" aria-hidden="true">{text.split("\n").map((_, at) => at + 1).join("\n")}</pre>;

function Listing({ text, language, label, height }: CodeProps) {
  const shown = text.replace(/\n$/, "");
  const colors = useColors(shown, language);
  return (
    <div className="listing" style={box(height)} tabIndex={0} role="region" aria-label={label}>
      <Numbers text={shown} />
      <pre>{colors}</pre>
    </div>
  );
}

/** A field until somebody comes near it; then CodeMirror, with the same words, selection and focus. It takes over in one
 *  task, so that no key falls between the two. */
function Draft(props: CodeProps) {
  const { text, language, onChange, label, height } = props;
  const [Ready, setReady] = useState<typeof Editor | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const colors = useColors(text, language);
  const come = () => void loadEditor().then(({ default: loaded }) => flushSync(() => setReady(() => loaded as never))).catch(() => undefined); // the field serves too
  if (Ready) {
    const place = field.current;
    return <Ready {...props} focus={place && document.activeElement === place ? [place.selectionStart, place.selectionEnd] : undefined} />;
  }
  return (
    <div className="listing draft" style={box(height)} onPointerEnter={come}>
      <Numbers text={text} />
      <div>
        <pre aria-hidden="true">{colors}{"\n"}</pre>
        <textarea ref={field} aria-label={label} spellCheck={false} value={text} onChange={(event) => onChange!(event.target.value)} onFocus={come} />
      </div>
    </div>
  );
}
