// What a page shows, as code: made from the request that the page sent.
import type { OperationName } from "../data/api";
import { address } from "../data/client";
import { quote } from "./quote";

export { quote };

export interface Snippets {
  python: string;
  cli: string;
  rest: string;
  yaml?: string;
}

const py = (text: unknown): string => JSON.stringify(text);

export function rest(name: OperationName, request: Record<string, unknown>): string {
  const { method, url, body } = address(name, request);
  const lines = [`curl ${method === "GET" ? "" : `-X ${method} `}${quote(url.href)}`, `  -H "Authorization: Bearer $ZAFFRE_TOKEN"`];
  if (method === "POST" || method === "PATCH") {
    lines.push(`  -H 'Content-Type: application/json'`, `  -d ${quote(JSON.stringify(body))}`);
  }
  return lines.join(" \\\n");
}

const HEAD = "from zaffre import Workspace\n\nws = Workspace.from_home()\n";

/** `noun` as in `ws.jobs` and `zaffre job`. */
export function show(noun: string, collection: string, name: string, operation: OperationName, version?: string): Snippets {
  const extra = version ? `, version=${py(version)}` : "";
  return {
    python: `${HEAD}${noun} = ws.${collection}.get(${py(name)}${extra})\nprint(${noun})`,
    cli: `zaffre ${noun} show --name ${quote(name)}${version ? ` --version ${quote(version)}` : ""}`,
    rest: rest(operation, version ? { name, version } : { name }),
  };
}

export function list(noun: string, collection: string, operation: OperationName, request: Record<string, unknown> = {}): Snippets {
  return {
    python: `${HEAD}for ${noun} in ws.${collection}.list():\n    print(${noun}.name)`,
    cli: `zaffre ${noun} list`,
    rest: rest(operation, request),
  };
}
