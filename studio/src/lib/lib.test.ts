import { describe, expect, it } from "vitest";
import { isBad, spans } from "./ansi";
import { close, join, Missing, type Source } from "./close";
import { collapse, related, worst } from "./collapse";
import { field, joined, listed, named, toFilter } from "./filter";
import { bytes, duration, middle, value } from "./format";
import { clashes, shown } from "./keys";
import { assign, slot } from "./slots";
import { parseCsv } from "./table";

describe("format", () => {
  it("shows sizes, times and numbers", () => {
    expect([0, 999, 1000, 1536, 999_600, 1.2e9].map(bytes)).toEqual(["0 B", "999 B", "1.0 kB", "1.5 kB", "1.0 MB", "1.2 GB"]);
    expect([0.0001, 0.4, 3.14, 59, 61, 3599.6, 7260, 200_000].map(duration)).toEqual(["1 ms", "400 ms", "3.1 s", "59 s", "1 min 01 s", "1 h 00 min", "2 h 01 min", "2 d 7 h"]);
    expect([value(0.00001), value(0.123456), value(12345678), value(NaN), value(null)]).toEqual(["1.000e-5", "0.12346", "1.235e+7", "NaN", ""]);
    expect(middle("train_model_with_a_long_name[3]", 16)).toBe("train_mo…name[3]");
  });
});

describe("slots", () => {
  it("keeps the color of a run when others go and come", () => {
    const first = assign(["a", "b", "c"], new Map());
    const without = assign(["a", "c"], first);
    expect([...without]).toEqual([["a", 0], ["c", 2]]);
    expect(assign(["a", "c", "d"], without).get("d")).toBe(1);
    expect([slot(0).color, slot(12).dash, slot(30).color]).toEqual(["--c1", [5, 4], "--ink-3"]);
  });
});

describe("filter", () => {
  it("takes a bare word as a name and leaves the language alone", () => {
    expect(toFilter(" tree ")).toBe("display_name ILIKE '%tree%'");
    expect(toFilter("it's")).toBe("display_name ILIKE '%it''s%'");
    expect(toFilter("metrics.loss < 0.3")).toBe("metrics.loss < 0.3");
    expect(toFilter("  ")).toBeUndefined();
  });
  it("reads and writes fields", () => {
    expect(field('metrics."val loss"')).toEqual({ kind: "metrics", key: "val loss" });
    expect(named("params", "a b")).toBe('params."a b"');
    expect(listed(joined(["a", "b"]))).toEqual(["a", "b"]);
    expect(joined([])).toBeUndefined();
  });
});

describe("logs", () => {
  it("colors what terminals color and drops the rest", () => {
    expect(spans("\u001b[32mok\u001b[0m \u001b[1mb\u001b[0m")).toEqual([{ text: "ok", color: "#51c46c" }, { text: " " }, { text: "b", bold: true }]);
    expect(spans("\u001b]0;title\u0007x\u001b[2K")).toEqual([{ text: "x" }]);
    expect(spans("10 %\r50 %\r99 %")).toEqual([{ text: "99 %" }]);
    expect([isBad("ValueError: x"), isBad("no error here"), isBad("terror"), isBad("fine")]).toEqual([false, true, false, false]);
  });
});

describe("csv", () => {
  it("reads quotes, newlines in them and every line end", () => {
    expect(parseCsv('a,b\r\n"x ""y""","1\n2"\n,\n')).toEqual([["a", "b"], ['x "y"', "1\n2"], ["", ""]]);
    expect(parseCsv("a\tb", "\t")).toEqual([["a", "b"]]);
    expect(parseCsv("1\n2\n3\n", ",", 2)).toHaveLength(2);
  });
});

describe("graph", () => {
  const names = ["load", ...[0, 1, 2, 3].map((at) => `train_${at}`), "join"];
  const edges = [0, 1, 2, 3].flatMap((at) => [{ source: "load", target: `train_${at}` }, { source: `train_${at}`, target: "join" }]);
  it("stacks steps of one pattern", () => {
    const found = collapse(names, edges);
    expect(found.stacks.map((stack) => [stack.title, stack.members.length])).toEqual([["load", 1], ["train", 4], ["join", 1]]);
    expect(found.edges).toHaveLength(2);
    expect(collapse(names, edges, 5).stacks).toHaveLength(6);
  });
  it("knows the worst status and what belongs together", () => {
    expect(worst(["Completed", "Running", "Failed"])).toBe("Failed");
    expect(related("train_1", edges)).toEqual(new Set(["load", "train_1", "join"]));
  });
});

describe("keys", () => {
  it("have no clashes", () => {
    expect(clashes()).toEqual([]);
    expect(clashes([{ scope: "Tables", keys: "x", command: "a", title: "" }, { scope: "Tables", keys: "x", command: "b", title: "" }])).toHaveLength(2);
    expect(shown("g j")).toEqual(["G", "J"]);
  });
});

describe("closing a document", () => {
  const files: Record<string, string> = { "p/part.yml": "type: command\ncode: ./src\ncommand: run\n", "p/src/a.py": "", "p/env.yml": "dependencies: [python]" };
  const source: Source = {
    has: (path) => Object.keys(files).some((name) => name === path || name.startsWith(`${path}/`)),
    text: async (path) => files[path]!,
    address: async (path, asFolder) => `content://${path}${asFolder ? "/" : ""}`,
  };
  it("puts files in the place of paths", async () => {
    const spec = await close("type: pipeline\njobs:\n  one:\n    component: ./part.yml\n    environment: {image: x, conda_file: env.yml}\n", "p", source);
    expect(spec.jobs.one.component).toEqual({ type: "command", code: "content://p/src/", command: "run" });
    expect(spec.jobs.one.environment.conda_file).toEqual({ dependencies: ["python"] });
  });
  it("leaves addresses alone and never leaves the folder", async () => {
    const spec = await close("type: command\ncode: content://abc\ninputs:\n  a: {path: azureml:data:1}\n  b: {path: 'https://x/y'}\n", "", source);
    expect(spec).toMatchObject({ code: "content://abc", inputs: { a: { path: "azureml:data:1" } } });
    expect(join("p", "../../x")).toBeNull();
    await expect(close("type: command\ncode: ../../etc\n", "p", source)).rejects.toThrow(Missing);
    await expect(close("- a\n- b\n", "", source)).rejects.toThrow("document");
  });
});
