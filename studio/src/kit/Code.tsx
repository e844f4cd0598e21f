// CodeMirror, loaded when a page shows code.
import { lazy, Suspense } from "react";

export interface CodeProps {
  text: string;
  language?: string; // by the name of a file, or: yaml, json, python
  onChange?: (text: string) => void;
  label: string;
  height?: number | string;
  former?: string; // shows what changed since
}

const Editor = lazy(() => import("./Editor"));

export function Code(props: CodeProps) {
  return (
    <Suspense fallback={<pre tabIndex={0} className="code" style={{ height: props.height, flex: props.height ? undefined : 1 }}>{props.text.slice(0, 20_000)}</pre>}>
      <Editor {...props} />
    </Suspense>
  );
}
