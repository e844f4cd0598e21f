// Close a document in the browser: files that it names are taken from what was dropped, as the command line takes them
// from the disk. Addresses and names of assets stay as they are.
import { parse } from "yaml";

export type Json = Record<string, any>;
export interface Source {
  has: (path: string) => boolean;
  text: (path: string) => Promise<string>;
  /** The address of a file, or of a folder with all below it, in the content store. */
  address: (path: string, asFolder: boolean) => Promise<string>;
}
export class Missing extends Error {
  constructor(readonly path: string, field: string) {
    super(`${field}: ${path} is not among the files that were dropped`);
  }
}

const REMOTE = /^[a-z][a-z0-9+.-]*:/i;
const isLocal = (text: unknown): text is string => typeof text === "string" && text !== "" && !REMOTE.test(text) && !text.includes("${{");

/** `base/../x` without its dots; null when it leads out. */
export function join(base: string, path: string): string | null {
  const parts: string[] = [];
  for (const part of [...base.split("/"), ...path.split("/")]) {
    if (part === "" || part === ".") continue;
    if (part === ".." && !parts.pop()) return null;
    if (part !== "..") parts.push(part);
  }
  return parts.join("/");
}

/** Raises `Missing`, or an error of the parser that names its line. */
export async function close(text: string, base: string, source: Source): Promise<Json> {
  const spec = parse(text) as unknown;
  if (!spec || typeof spec !== "object" || Array.isArray(spec)) throw new Error("This is no document: write it as `key: value` lines.");
  await job(spec as Json, base, source);
  return spec as Json;
}

async function job(spec: Json, base: string, source: Source): Promise<void> {
  if (isLocal(spec.code)) spec.code = await place(spec.code, base, source, "code", true);
  await environment(spec, base, source);
  for (const item of Object.values((spec.inputs ?? {}) as Json)) {
    if (item && typeof item === "object" && isLocal(item.path)) item.path = await place(item.path, base, source, "path", item.type !== "uri_file" && item.type !== "mltable");
  }
  for (const node of Object.values((spec.jobs ?? {}) as Json)) {
    if (!node || typeof node !== "object") continue;
    await component(node as Json, base, source);
    await job(node as Json, base, source);
  }
  await component(spec, base, source);
  for (const key of ["trial", "task"]) if (spec[key] && typeof spec[key] === "object") await job(spec[key], base, source);
}

async function component(node: Json, base: string, source: Source): Promise<void> {
  if (node.component && typeof node.component === "object") return job(node.component, base, source);
  if (!isLocal(node.component) || !/\.ya?ml$/i.test(node.component)) return;
  const path = found(node.component, base, source, "component");
  const inner = parse(await source.text(path)) as Json;
  await job(inner, path.split("/").slice(0, -1).join("/"), source);
  node.component = inner;
}

async function environment(spec: Json, base: string, source: Source): Promise<void> {
  let here = base;
  if (isLocal(spec.environment) && /\.ya?ml$/i.test(spec.environment)) {
    const path = found(spec.environment, base, source, "environment");
    spec.environment = parse(await source.text(path));
    here = path.split("/").slice(0, -1).join("/");
  }
  const own = spec.environment;
  if (!own || typeof own !== "object") return;
  if (isLocal(own.conda_file)) own.conda_file = parse(await source.text(found(own.conda_file, here, source, "conda_file")));
  if (own.build && isLocal(own.build.path)) own.build.path = await place(own.build.path, here, source, "build.path", true);
}

function found(path: string, base: string, source: Source, field: string): string {
  const full = join(base, path);
  if (full === null || !source.has(full)) throw new Missing(path, field);
  return full;
}

async function place(path: string, base: string, source: Source, field: string, asFolder: boolean): Promise<string> {
  return source.address(found(path, base, source, field), asFolder);
}
