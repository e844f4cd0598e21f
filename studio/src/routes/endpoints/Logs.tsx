import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { DeploymentView } from "../../data/api";
import { send } from "../../data/client";
import { useWorkspace } from "../../data/hooks";
import { useAddress } from "../../data/nav";
import { Answer, Button, Empty, FilterField, Segments } from "../../kit/basic";
import { count } from "../../lib/format";

const LINES = 2_000;

/** The end of a deployment's log; it follows what is written unless somebody scrolled up. */
export function Logs({ name, deployments }: { name: string; deployments: DeploymentView[] }) {
  const workspace = useWorkspace();
  const [address, setAddress] = useAddress();
  const [follow, setFollow] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const chosen = deployments.find((item) => item.name === address.of) ?? deployments[0];
  const log = useQuery({
    queryKey: ["online-deployment.log", workspace, name, chosen?.name],
    enabled: !!chosen,
    refetchInterval: follow ? 1_000 : false,
    queryFn: async ({ signal }) => (await send("online-deployment.log", { workspace, endpoint: name, name: chosen!.name, tail_lines: LINES }, signal)).text(),
  });
  useEffect(() => {
    if (follow) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [log.data, follow]);
  if (!chosen) return <Empty title="No log yet">A deployment writes the first line when its environment is built.</Empty>;
  const lines = (log.data ?? "").replace(/\n$/, "").split("\n");
  const wanted = (address.q ?? "").toLowerCase();
  const shown = wanted ? lines.filter((line) => line.toLowerCase().includes(wanted)) : lines;
  return (
    <>
      <div className="toolbar" style={{ paddingTop: 8 }}>
        {deployments.length > 1 && <Segments label="Deployment" value={chosen.name} options={deployments.map((item) => [item.name, item.name] as const)} onChange={(of) => setAddress({ of })} />}
        <FilterField value={address.q ?? ""} onChange={(q) => setAddress({ q })} placeholder="Show lines with" />
        <span className="dim">{wanted ? `${count(shown.length)} of ` : ""}{count(lines.length)} line{lines.length === 1 ? "" : "s"}{lines.length >= LINES && ", the last ones"}</span>
        <Button aria-pressed={follow} onClick={() => setFollow(!follow)}>Follow</Button>
      </div>
      <Answer of={log}>
        {(text) => (
          <div
            className="logbox"
            ref={box}
            tabIndex={0}
            role="log"
            aria-label={`Log of ${chosen.name}`}
            aria-live="off"
            onWheel={(event) => event.deltaY < 0 && setFollow(false)}
          >
            {text ? shown.join("\n") : "Nothing was written yet."}
          </div>
        )}
      </Answer>
    </>
  );
}
