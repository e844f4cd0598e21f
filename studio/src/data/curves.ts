// Curves in binary: the length of the header, the header in JSON, then columns of Float64.
import { send } from "./client";

export interface Series {
  run: string;
  key: string;
  points: number;
  ratio: number;
  columns: Record<string, Float64Array>;
}
export interface Curves {
  x: Float64Array;
  unit: string;
  width: number;
  ratio: number;
  columns: string[];
  curves: Series[];
}

export async function curves(request: Record<string, unknown>, signal?: AbortSignal): Promise<Curves> {
  const answer = await send("metrics.columns" as never, request, signal);
  return decode(await answer.arrayBuffer());
}

export function decode(buffer: ArrayBuffer): Curves {
  const size = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const columns: string[] = head.columns;
  const rest = buffer.byteLength - 4 - size;
  const total = head.curves.length * columns.length + 1;
  const length = rest / 8 / total;
  let offset = 4 + size;
  const next = (): Float64Array => {
    const column = offset % 8 === 0 ? new Float64Array(buffer, offset, length) : new Float64Array(buffer.slice(offset, offset + length * 8));
    offset += length * 8;
    return column;
  };
  const x = next();
  return {
    ...head,
    x,
    curves: head.curves.map((curve: Series) => ({ ...curve, columns: Object.fromEntries(columns.map((name) => [name, next()])) })),
  };
}
