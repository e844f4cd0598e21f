import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useLayoutEffect, useRef } from "react";
import type { CodeProps } from "./Code";

const LANGUAGES: [RegExp, () => Extension][] = [
  [/\.?ya?ml$/i, () => yaml()],
  [/\.?json$|MLmodel\.json$|\.ipynb$/i, () => json()],
  [/\.?py(thon)?$/i, () => python()],
  [/MLmodel$/, () => yaml()],
];
const COLORS = HighlightStyle.define([
  { tag: [tags.keyword, tags.bool, tags.null, tags.self], color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ok)" },
  { tag: [tags.number], color: "var(--warn)" },
  { tag: [tags.comment], color: "var(--ink-3)", fontStyle: "italic" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName), tags.attributeName], color: "var(--cache)" },
  { tag: [tags.function(tags.variableName), tags.definition(tags.variableName)], color: "var(--ink)", fontWeight: "600" },
]);

// A theme of its own, because its styles stand above those of our layers.
const THEME = EditorView.theme({
  "&": { fontSize: "12px", height: "100%", backgroundColor: "var(--panel)", color: "var(--ink)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "18px" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--sunk)", color: "var(--ink-3)", borderRight: "1px solid var(--line)" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 28%, transparent)" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-bg)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunk)", border: "1px solid var(--line)", color: "var(--ink-2)" },
  ".cm-panels": { backgroundColor: "var(--sunk)", color: "var(--ink)" },
  ".cm-searchMatch": { backgroundColor: "color-mix(in srgb, var(--warn) 35%, transparent)" },
  ".cm-changedLine": { backgroundColor: "var(--ok-bg)" },
  ".cm-deletedChunk": { backgroundColor: "var(--bad-bg)" },
});

const TOLD = 200;

/** `focus`: from where to where is selected, in an editor that takes the focus at once. */
export default function Editor({ text, language = "", onChange, label, height, former, focus }: CodeProps & { focus?: readonly [number, number] | undefined }) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const change = useRef(onChange);
  change.current = onChange;
  const writes = !!onChange;
  const told = useRef<string[]>([]); // what was typed and has not come back as `text` yet

  useLayoutEffect(() => {
    const tell = (typed: string) => {
      told.current = [...told.current.slice(-TOLD), typed];
      change.current?.(typed);
    };
    const extensions: Extension[] = [
      THEME, lineNumbers(), foldGutter(), bracketMatching(), history(), search({ top: true }), highlightSelectionMatches(), syntaxHighlighting(COLORS),
      keymap.of([...searchKeymap, ...historyKeymap, ...defaultKeymap, ...(writes ? [indentWithTab] : [])]),
      EditorView.contentAttributes.of({ "aria-label": label, ...(writes ? { "aria-description": "Tab indents; Escape, then Tab leaves" } : {}) }),
      ...LANGUAGES.filter(([test]) => test.test(language)).slice(0, 1).map(([, make]) => make()),
      ...(former === undefined ? [] : [unifiedMergeView({ original: former, mergeControls: false, collapseUnchanged: { margin: 3, minSize: 6 } })]),
      writes ? EditorView.updateListener.of((update) => update.docChanged && tell(update.state.doc.toString())) : [EditorState.readOnly.of(true), EditorView.editable.of(false), EditorView.contentAttributes.of({ tabindex: "0" })],
    ];
    view.current = new EditorView({ parent: box.current!, state: EditorState.create({ doc: text, extensions }) });
    if (focus) {
      const [anchor, head] = focus.map((at) => Math.min(at, text.length)) as [number, number];
      view.current.dispatch({ selection: { anchor, head } });
      view.current.focus();
    }
    return () => view.current?.destroy();
    // the text is synced below; the focus is that of the beginning
  }, [language, label, former, writes]);

  useEffect(() => {
    const at = told.current.lastIndexOf(text);
    told.current = told.current.slice(at + 1);
    if (at >= 0) return; // an echo: more may have been typed meanwhile
    const now = view.current?.state.doc.toString();
    if (view.current && now !== text) view.current.dispatch({ changes: { from: 0, to: now!.length, insert: text } });
  }, [text]);

  return <div ref={box} style={{ height, flex: height ? undefined : 1, minHeight: 0, overflow: "auto" }} />;
}
