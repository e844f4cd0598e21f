import { stringify } from "yaml";
import { Code } from "../../kit/Code";

export default function Document({ value }: { value: unknown }) {
  const text = stringify(value, { lineWidth: 100 });
  return <Code text={text} language="yaml" label="Document" height={Math.min(420, 12 + 18 * text.trimEnd().split("\n").length)} />;
}
