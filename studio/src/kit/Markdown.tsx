import MarkdownIt from "markdown-it";
import { useMemo } from "react";

// Raw HTML is shown as text; pictures from elsewhere would tell others what is read here, so they become links.
const parser = new MarkdownIt({ html: false, linkify: true });
parser.renderer.rules.image = (tokens, at, options, env, self) => {
  const token = tokens[at]!;
  const source = String(token.attrGet("src") ?? "");
  if (source.startsWith("data:image/")) return self.renderToken(tokens, at, options);
  return parser.utils.escapeHtml(`[image: ${self.renderInlineAsText(token.children ?? [], options, env) || source}]`);
};
const open = parser.renderer.rules.link_open ?? ((tokens, at, options, _env, self) => self.renderToken(tokens, at, options));
parser.renderer.rules.link_open = (tokens, at, options, env, self) => {
  tokens[at]!.attrSet("target", "_blank");
  tokens[at]!.attrSet("rel", "noopener noreferrer");
  return open(tokens, at, options, env, self);
};

export default function Markdown({ text }: { text: string }) {
  const html = useMemo(() => parser.render(text), [text]);
  return <div className="md" dangerouslySetInnerHTML={{ __html: html }} />;
}
