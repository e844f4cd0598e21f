import { describe, expect, it } from "vitest";
import { checklist, goalOf, portsOf } from "./model";
import { calls, cell, columnsOf, difference, firstBody } from "./scoring";
import { asTraffic, give, moveBorder, sharesOf, total, type Shares } from "./traffic";

describe("shares of traffic", () => {
  const shares: Shares = [["blue", 70], ["green", 20], ["red", 10]];
  it("moves a border between its neighbors only", () => {
    expect(moveBorder(shares, 0, 5)).toEqual([["blue", 75], ["green", 15], ["red", 10]]);
    expect(moveBorder(shares, 0, 50)).toEqual([["blue", 90], ["green", 0], ["red", 10]]);
    expect(moveBorder(shares, 1, -100)).toEqual([["blue", 70], ["green", 0], ["red", 30]]);
  });
  it("keeps the sum at 100 whatever is given", () => {
    for (let wanted = -3; wanted <= 103; wanted += 1) {
      const made = give(shares, "green", wanted);
      expect(total(made)).toBe(100);
      expect(made.every(([, share]) => Number.isInteger(share) && share >= 0)).toBe(true);
    }
    expect(give(shares, "red", 55)).toEqual([["blue", 35], ["green", 10], ["red", 55]]);
  });
  it("begins with nothing, and gives all to the only one", () => {
    expect(give(sharesOf(["blue", "green"], {}), "green", 100)).toEqual([["blue", 0], ["green", 100]]);
    expect(give(sharesOf(["blue"], {}), "blue", 30)).toEqual([["blue", 100]]);
    expect(asTraffic([["blue", 100], ["green", 0]])).toEqual({ blue: 100 });
  });
});

describe("what a scoring address takes", () => {
  const schema = { "x-columns": { properties: { age: { type: "number" }, site: { type: "string" } } } };
  it("begins with the example, else with the columns, and says which", () => {
    expect(columnsOf(schema).map((item) => item.name)).toEqual(["age", "site"]);
    expect(firstBody(schema, { columns: ["age"], data: [[3]] })).toEqual({ body: { input_data: { columns: ["age"], index: [0], data: [[3]] } }, from: "the input example of the model" });
    expect(firstBody(schema, undefined).body).toEqual({ input_data: { columns: ["age", "site"], index: [0], data: [[0, ""]] } });
    expect(firstBody({}, undefined).from).toContain("does not describe");
  });
  it("reads cells by their type", () => {
    expect([cell("1.5", "number"), cell("1.5", "string"), cell("", "number"), cell("x", "number"), cell("true", "boolean")]).toEqual([1.5, "1.5", null, "x", true]);
  });
  it("says by how much two answers differ", () => {
    expect(difference([1, { a: 2 }], [1, { a: 2 }])).toEqual({ equal: true, worst: 0 });
    expect(difference([1, 5], [1, 7])).toEqual({ equal: false, worst: 2 });
    expect(difference({ a: "x" }, { b: "x" }).equal).toBe(false);
  });
  it("quotes what goes into a shell", () => {
    expect(calls("risk", "http://h/score", '{"a": "it\'s"}').curl).toContain(`'{"a":"it'\\''s"}'`);
    expect(calls("risk", "http://h/score", "{}", "green").cli).toContain("--deployment-name green");
  });
});

describe("a version of a model", () => {
  it("reads signatures of columns and tensors, and survives nonsense", () => {
    expect(portsOf('[{"name": "age", "type": "double"}]')).toEqual([{ name: "age", type: "double", optional: false }]);
    expect(portsOf([{ type: "tensor", "tensor-spec": { dtype: "float32", shape: [-1, 3] } }])[0]!.type).toBe("float32 [-1,3]");
    expect(portsOf("{")).toEqual([]);
  });
  it("knows which way a metric is better only where its name says so", () => {
    expect([goalOf("val_loss"), goalOf("auc"), goalOf("depth")]).toEqual(["minimize", "maximize", null]);
  });
  it("says what a conversion did not prove", () => {
    const bad = { comparison: { agrees: false, one_row_alone: false, rtol: 0.001, atol: 1e-5, outputs: [{ name: "label", kind: "label", rows: 9, disagree: 2, agrees: false }] } };
    expect(checklist(bad).filter((step) => step.good === false).map((step) => step.title)).toEqual(["Exported", "Checked", "Labels", "Tolerance", "One row alone"]);
    expect(checklist({}).map((step) => step.good)).toEqual([false, null]);
  });
});
