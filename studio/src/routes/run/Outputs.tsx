import { useState } from "react";
import type { JobView } from "../../data/api";
import { useAddress } from "../../data/nav";
import { Empty } from "../../kit/basic";
import { Tree, Viewer, type Area, type Chosen } from "../../kit/Files";
import { isLive } from "../../lib/status";

export default function Outputs({ job }: { job: JobView }) {
  const [address, setAddress] = useAddress();
  const outputs = Object.entries(((job as any).outputs ?? {}) as Record<string, any>).filter(([, item]) => item?.path);
  const areas: Area[] = [
    ...outputs.map(([port, item]): Area => ({ area: "output", output_name: port, title: `${port}${item.type ? ` · ${item.type}` : ""}` })),
    { area: "artifacts", title: "Artifacts" },
  ];
  const [chosen, setChosen] = useState<Chosen | null>(() => {
    const area = areas.find((item) => (address.output ? item.output_name === address.output : item.area === "artifacts"));
    return area && address.path ? { area, path: address.path, size: undefined } : null;
  });
  return (
    <div className="files">
      <Tree
        job={job.name}
        areas={areas}
        chosen={chosen}
        live={isLive(job.status)}
        choose={(file) => {
          setChosen(file);
          setAddress({ path: file.path, output: file.area.output_name });
        }}
      />
      {chosen ? <Viewer key={`${chosen.area.output_name}/${chosen.path}`} job={job.name} file={chosen} /> : <Empty title="Choose a file">Images, tables, JSON, Markdown, notebooks and HTML are shown here; everything can be downloaded.</Empty>}
    </div>
  );
}
