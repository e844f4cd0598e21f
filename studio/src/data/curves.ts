// Curves in binary: the length of the header, the header in JSON, then x in Float64 and columns of 32 or 64 bits.
import { send } from "./client";

export type Column = Float64Array | Float32Array;
export interface Series {
  run: string;
  key: string;
  points: number;
  ratio: number;
  columns: Record<string, Column>;
}
export interface Curves {
  x: Float64Array;
  unit: string;
  width: number;
  ratio: number;
  columns: string[];
  curves: Series[];
}

const DRAWN = ["min", "max", "last", "raw_min", "raw_max"];

export async function curves(request: Record<string, unknown>, signal?: AbortSignal): Promise<Curves> {
  const answer = await send("metrics.columns" as never, { ...request, only: DRAWN, bits: 32 }, signal);
  return decode(await answer.arrayBuffer());
}

export function decode(buffer: ArrayBuffer): Curves {
  const size = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const columns: string[] = head.columns;
  const length: number = head.rows;
  let offset = 4 + size;
  const next = (bits: number): Column => {
    const bytes = (length * bits) / 8;
    const Kind = bits === 32 ? Float32Array : Float64Array;
    const column = offset % (bits / 8) === 0 ? new Kind(buffer, offset, length) : new Kind(buffer.slice(offset, offset + bytes));
    offset += bytes;
    return column;
  };
  const x = next(64) as Float64Array;
  return {
    ...head,
    x,
    curves: head.curves.map((curve: Series) => ({ ...curve, columns: Object.fromEntries(columns.map((name) => [name, next(head.bits)])) })),
  };
}
