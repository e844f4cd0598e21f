// What a scoring address takes: columns from its schema, bodies from rows and examples, and how two answers differ.
import { quote } from "./quote";

export interface ColumnOf {
  name: string;
  type: string; // number, integer, string, boolean
}
export interface Split {
  columns: string[];
  index?: number[];
  data: unknown[][];
}

/** The columns that a schema made from a signature names. */
export function columnsOf(schema: any): ColumnOf[] {
  const found = schema?.["x-columns"]?.properties;
  if (found) return Object.entries(found).map(([name, about]: [string, any]) => ({ name, type: about?.type ?? "" }));
  const example = schema?.properties?.input_data?.properties?.columns?.example;
  return Array.isArray(example) ? example.map((name) => ({ name: String(name), type: "" })) : [];
}

/** The rows of a body, where it has the form of a table. */
export function splitOf(body: any): Split | null {
  const table = body?.input_data ?? body?.dataframe_split ?? body;
  return Array.isArray(table?.columns) && Array.isArray(table?.data) && table.data.every(Array.isArray) ? table : null;
}

const blank = (type: string): unknown => (type === "string" ? "" : type === "boolean" ? false : 0);

/** A body to begin with: the example of the model, else one row of its columns, else what the schema gives as example. */
export function firstBody(schema: any, example: unknown): { body: unknown; from: string } {
  const split = splitOf(example);
  if (split) return { body: { input_data: { columns: split.columns, index: split.data.map((_, at) => at), data: split.data } }, from: "the input example of the model" };
  if (example !== undefined && example !== null) return { body: example, from: "the input example of the model" };
  const columns = columnsOf(schema);
  if (columns.length) return { body: { input_data: { columns: columns.map((item) => item.name), index: [0], data: [columns.map((item) => blank(item.type))] } }, from: "the signature; the values are placeholders" };
  if (schema?.example !== undefined) return { body: schema.example, from: "the schema of the script" };
  return { body: {}, from: "nowhere: the deployment does not describe its input" };
}

/** What somebody typed into a cell, as a value of its column. */
export function cell(text: string, type: string): unknown {
  if (type === "string") return text;
  if (type === "boolean") return text === "true";
  if (text.trim() === "") return null;
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

/** Whether two answers are equal, and by how much their numbers differ at most. */
export function difference(one: unknown, other: unknown): { equal: boolean; worst: number | null } {
  let worst: number | null = null;
  let equal = true;
  const walk = (a: unknown, b: unknown): void => {
    if (typeof a === "number" && typeof b === "number") {
      worst = Math.max(worst ?? 0, Math.abs(a - b));
      if (a !== b) equal = false;
    } else if (a && b && typeof a === "object" && typeof b === "object") {
      const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
      for (const key of keys) walk((a as any)[key], (b as any)[key]);
    } else if (a !== b) equal = false;
  };
  walk(one, other);
  return { equal, worst };
}

export function calls(name: string, url: string, body: string, deployment?: string): Record<"curl" | "python" | "cli", string> {
  const compact = shorter(body);
  const header = deployment ? ` \\\n  -H ${quote(`azureml-model-deployment: ${deployment}`)}` : "";
  const more = deployment ? `, deployment_name=${JSON.stringify(deployment)}` : "";
  return {
    curl: `KEY=$(zaffre online-endpoint get-credentials --name ${quote(name)} --query primaryKey -o tsv)\ncurl -X POST ${quote(url)} \\\n  -H "Authorization: Bearer $KEY" \\\n  -H 'Content-Type: application/json'${header} \\\n  -d ${quote(compact)}`,
    python: `import json\nfrom zaffre import Workspace\n\nws = Workspace.from_home()\nbody = json.loads(${JSON.stringify(compact)})\nprint(ws.online_endpoints.invoke(${JSON.stringify(name)}, body${more}))`,
    cli: `echo ${quote(compact)} > request.json\nzaffre online-endpoint invoke --name ${quote(name)} --request-file request.json${deployment ? ` --deployment-name ${quote(deployment)}` : ""}`,
  };
}

export function shorter(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}
export function longer(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}
