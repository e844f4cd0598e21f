import { assetPath } from "../../data/nav";
import { Go } from "../../kit/Go";

/** A reference as a link when it leads to an asset. */
export function Reference({ text }: { text: string }) {
  const found = /^azureml:([^:/]+):([^:/]+)$/.exec(text);
  if (found) return <Go to={assetPath("data", found[1]!)} search={{ version: found[2] }} className="link mono">{found[1]}:{found[2]}</Go>;
  return <span className="mono clip" title={text}>{text.replace(/^content:\/\/([0-9a-f]{10})[0-9a-f]*/, "content $1…")}</span>;
}
