// The colors of code that is only read: the grammars of the editor, without the editor.
import { highlightCode, tagHighlighter, tags } from "@lezer/highlight";
import type { Parser } from "@lezer/common";

export type Piece = readonly [text: string, kind: string];

const KINDS = tagHighlighter([
  { tag: [tags.keyword, tags.bool, tags.null, tags.self], class: "hl-word" },
  { tag: [tags.string, tags.special(tags.string)], class: "hl-text" },
  { tag: tags.number, class: "hl-number" },
  { tag: tags.comment, class: "hl-note" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName), tags.attributeName], class: "hl-key" },
  { tag: [tags.function(tags.variableName), tags.definition(tags.variableName)], class: "hl-name" },
]);
const GRAMMARS: [RegExp, () => Promise<{ parser: Parser }>][] = [
  [/\.?ya?ml$|MLmodel$/i, () => import("@lezer/yaml")],
  [/\.?json$|\.ipynb$/i, () => import("@lezer/json")],
  [/\.?py(thon)?$/i, () => import("@lezer/python")],
];

/** The text in pieces, each with the class of what it is. */
export async function highlight(text: string, language: string): Promise<Piece[]> {
  const known = GRAMMARS.find(([name]) => name.test(language));
  if (!known) return [[text, ""]];
  const { parser } = await known[1]();
  const pieces: Piece[] = [];
  highlightCode(text, parser.parse(text), KINDS, (part, kind) => pieces.push([part, kind]), () => pieces.push(["\n", ""]));
  return pieces;
}
