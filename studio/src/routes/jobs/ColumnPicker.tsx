import { useState } from "react";
import { Button, FilterField } from "../../kit/basic";
import { Pop } from "../../kit/opener";
import { Icon } from "../../kit/Icon";
import { count } from "../../lib/format";
import { titleOf } from "./columns";
import { OWN_FIELDS, valueOf, type Jobs } from "./state";

export function ColumnPicker({ jobs }: { jobs: Jobs }) {
  return (
    <Pop trigger={<Button icon="columns">Columns</Button>} width={340}>
      <Choice jobs={jobs} />
    </Pop>
  );
}

function Choice({ jobs }: { jobs: Jobs }) {
  const [wanted, setWanted] = useState("");
  const all = [
    ...OWN_FIELDS.filter((name) => name !== "display_name" && name !== "archived").map((name) => ({ name, runs: undefined as number | undefined })),
    ...jobs.keys.map((key) => ({ name: `${key.kind}.${key.key}`, runs: key.runs as number | undefined })),
  ].filter((item) => item.name.toLowerCase().includes(wanted.toLowerCase()));
  const on = new Set(jobs.columns);
  const set = (name: string) => jobs.setColumns(on.has(name) ? jobs.columns.filter((item) => item !== name) : [...jobs.columns, name]);
  const differ = () => jobs.setColumns(jobs.columns.filter((name) => name === "status" || new Set(jobs.rows.map((row) => String(valueOf(row, name)))).size > 1));
  return (
    <div className="col">
      <FilterField value={wanted} onChange={setWanted} placeholder={`Search ${count(jobs.keys.length)} keys`} label="Search columns" />
      <div className="row">
        <Button kind="small" onClick={differ}>Only those that differ</Button>
        <span className="grow" />
        <Button kind="small ghost" onClick={() => jobs.setAddress({ cols: undefined })}>Reset</Button>
      </div>
      <div style={{ maxHeight: 360, overflow: "auto" }} role="group" aria-label="Columns">
        {all.slice(0, 300).map(({ name, runs }) => (
          <button type="button" key={name} className="row" style={{ width: "100%", height: 26, padding: "0 4px" }} role="checkbox" aria-checked={on.has(name)} onClick={() => set(name)}>
            <span className="check" data-on={on.has(name)}>{on.has(name) && <Icon name="check" size={12} />}</span>
            <span className="clip grow">{titleOf(name)}</span>
            <span className="dim">{name.includes(".") ? name.split(".")[0] : ""}{runs ? ` · ${count(runs)}` : ""}</span>
          </button>
        ))}
        {all.length > 300 && <div className="dim" style={{ padding: 4 }}>300 of {count(all.length)}: search for more</div>}
      </div>
    </div>
  );
}
