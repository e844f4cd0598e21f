// What a version of a model says of itself: its signature, how it compares, what its conversion proved.
export interface Port {
  name: string;
  type: string;
  optional: boolean;
}

/** A side of an MLflow signature. */
export function portsOf(side: unknown): Port[] {
  let found: any = side;
  if (typeof side === "string") {
    try {
      found = JSON.parse(side);
    } catch {
      return [];
    }
  }
  if (!Array.isArray(found)) return [];
  return found.map((item, at) => ({
    name: String(item?.name ?? `#${at}`),
    type: item?.type === "tensor" ? `${item["tensor-spec"]?.dtype} ${JSON.stringify(item["tensor-spec"]?.shape)}` : typeof item?.type === "object" ? JSON.stringify(item.type) : String(item?.type ?? ""),
    optional: item?.required === false,
  }));
}

const SMALL = /loss|error|rmse|mae|mse|brier|latency|perplexity/i;
const LARGE = /acc|auc|f1|precision|recall|r2|score|iou|bleu/i;
/** Which way a metric is better, as far as its name tells; null where it does not. */
export const goalOf = (metric: string): "maximize" | "minimize" | null => (SMALL.test(metric) ? "minimize" : LARGE.test(metric) ? "maximize" : null);

export interface Step {
  title: string;
  good: boolean | null; // null: not known
  detail: string;
}

const short = (number: unknown): string => (typeof number === "number" ? (number === 0 ? "0" : Number(number.toPrecision(3)).toString()) : "?");

/** The report of an export as a list of what was checked. */
export function checklist(report: any): Step[] {
  const found = report?.comparison;
  const onnx = report?.onnx;
  const outputs: any[] = found?.outputs ?? [];
  const numeric = outputs.filter((item) => typeof item.worst_abs === "number");
  const labels = outputs.filter((item) => item.kind === "label");
  const worst = numeric.length ? numeric.reduce((one, other) => (other.worst_abs > one.worst_abs ? other : one)) : null;
  const wrong = labels.reduce((sum, item) => sum + Number(item.disagree ?? 0), 0);
  const rows = outputs[0]?.rows ?? report?.sample?.rows;
  const steps: (Step | false)[] = [
    { title: "Exported", good: !!onnx, detail: report?.source ? `from ${report.source}` : "" },
    { title: "Checked", good: found ? !!found.agrees : null, detail: found ? `both models on ${rows} rows${report?.sample?.source ? `: ${report.sample.source}` : ""}` : "" },
    labels.length > 0 && { title: "Labels", good: wrong === 0, detail: wrong === 0 ? "all equal" : `${wrong} of ${rows} differ` },
    worst && { title: "Worst difference", good: numeric.every((item) => item.agrees), detail: `${short(worst.worst_abs)} absolute, ${short(worst.worst_rel)} relative, in ${worst.name}` },
    found && { title: "Tolerance", good: found.agrees ? true : false, detail: `numbers within ${short(found.atol)} + ${short(found.rtol)} × |value|` },
    found && { title: "One row alone", good: !!found.one_row_alone, detail: found.one_row_alone ? "gives what it gives among others" : "gives something else than among others" },
    onnx && { title: "Opset", good: true, detail: Object.entries(onnx.opsets ?? {}).map(([domain, version]) => `${domain} ${version}`).join(", ") },
    onnx && { title: "Size", good: true, detail: `${Intl.NumberFormat().format(onnx.bytes)} bytes; batch ${onnx.dynamic_batch ? "of any size" : "fixed"}` },
  ];
  return steps.filter((item): item is Step => !!item);
}
