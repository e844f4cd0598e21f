import { useState } from "react";
import type { JobView } from "../../data/api";
import { useApi } from "../../data/hooks";
import { Answer, Card, Copy, Empty, FilterField, KeyValues } from "../../kit/basic";
import { Code } from "../../kit/Code";
import { bytes } from "../../lib/format";

const NAMES: Record<string, string> = { cpu: "Processor", cores: "Cores", memory_mb: "Memory", gpus: "GPUs", os: "System", kernel: "Kernel", architecture: "Architecture", hostname: "Host" };

/** What is known of a machine, as people say it. */
function fact(key: string, value: unknown): readonly [string, string] {
  const name = NAMES[key] ?? key;
  if (key === "memory_mb") return [name, bytes(Number(value) * 1e6)];
  if (Array.isArray(value)) return [name, value.length ? value.map((item) => (typeof item === "object" ? JSON.stringify(item) : String(item))).join(", ") : "none"];
  return [name, typeof value === "object" ? JSON.stringify(value) : String(value)];
}

export default function Environment({ job }: { job: JobView }) {
  const facts = useApi("jobs.facts", { name: job.name });
  const [wanted, setWanted] = useState("");
  return (
    <Answer of={facts}>
      {(data) => {
        const packages = (data.environment_lock ?? "").split("\n").filter((line) => line && !line.startsWith("#"));
        const shown = packages.filter((line) => line.toLowerCase().includes(wanted.toLowerCase()));
        if (!data.environment && !packages.length) return <Empty title="No environment is known of this job" />;
        return (
          <div className="scroll" style={{ paddingTop: 12 }}>
            <div className="two">
              <Card title={`Packages · ${packages.length}`} flush actions={<Copy text={data.environment_lock ?? ""} tip="Copy as requirements" />}>
                <div style={{ padding: "8px 12px" }}><FilterField value={wanted} onChange={setWanted} placeholder="Filter packages" /></div>
                <table className="plain">
                  <tbody>
                    {shown.map((line) => {
                      const [name, version] = line.split(/\s*(?:==|@)\s*/);
                      return (
                        <tr key={line}>
                          <td>{name}</td>
                          <td className="mono">{version}</td>
                        </tr>
                      );
                    })}
                  </tbody>
                </table>
                {!packages.length && <div className="dim" style={{ padding: 12 }}>The packages are known once the environment is built.</div>}
              </Card>
              <div className="stack">
                <Card title="As it was asked for" flush>
                  <Code text={JSON.stringify(data.environment, null, 2)} language="json" label="Environment" height={Math.min(280, 12 + 18 * JSON.stringify(data.environment, null, 2).split("\n").length)} />
                </Card>
                {data.machine && (
                  <Card title="Machine">
                    <KeyValues items={Object.entries(data.machine).map(([key, value]) => fact(key, value))} />
                  </Card>
                )}
              </div>
            </div>
          </div>
        );
      }}
    </Answer>
  );
}
