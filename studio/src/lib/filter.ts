// The filter is the server's language; a bare word is short for a name that holds it.
const COMPARES = /[=<>]|\b(I?LIKE|IN|IS)\b/i;

export function toFilter(text: string): string | undefined {
  const said = text.trim();
  if (!said) return undefined;
  if (COMPARES.test(said)) return said;
  return `display_name ILIKE '%${said.replaceAll("'", "''")}%'`;
}

/** A key as the language wants it: quoted when it is not a plain word. */
export const named = (kind: string, key: string): string => (/^[\w.]+$/.test(key) ? `${kind}.${key}` : `${kind}."${key.replaceAll('"', '\\"')}"`);

export interface Field {
  kind: "metrics" | "params" | "tags" | "own";
  key: string;
}

/** `metrics.val loss` -> its kind and key. */
export function field(text: string): Field {
  const found = /^(metrics|params|tags)\.(.+)$/.exec(text);
  return found ? { kind: found[1] as Field["kind"], key: found[2]!.replace(/^"(.*)"$/, "$1") } : { kind: "own", key: text };
}

export const listed = (text: string | undefined): string[] => (text ? text.split("~").filter(Boolean) : []);
export const joined = (items: readonly string[]): string | undefined => (items.length ? items.join("~") : undefined);
