import type { Cell, Table } from "../io/table";

/** A column of all sites: for each row the number of its value among the values that occur. */
export interface Coded {
  codes: Int32Array;
  values: Cell[];
}

/** Reads a whole column, a row group after the other, so that the page stays alive. */
export async function codedColumn(
  table: Table,
  name: string,
  progress: (done: number) => void = () => {},
): Promise<Coded> {
  const codes = new Int32Array(table.rows);
  const values: Cell[] = [];
  const known = new Map<Cell, number>();
  const groups = table.groups();
  const reads = new Map<number, Promise<Cell[]>>();
  const read = async (at: number): Promise<Cell[]> =>
    (await table.read([name], groups[at]!.from, groups[at]!.to)).get(name) ?? [];
  for (let at = 0; at < groups.length; at++) {
    // The next groups are on their way while this one is decoded.
    for (let ahead = at; ahead < Math.min(groups.length, at + 4); ahead++) {
      if (!reads.has(ahead)) reads.set(ahead, read(ahead));
    }
    const cells = await reads.get(at)!;
    reads.set(at, Promise.resolve([]));
    let row = groups[at]!.from;
    for (const cell of cells) {
      let code = known.get(cell);
      if (code === undefined) {
        code = values.length;
        known.set(cell, code);
        values.push(cell);
      }
      codes[row++] = code;
    }
    progress((at + 1) / groups.length);
  }
  return { codes, values };
}

/** Whether all values that are there are numbers. */
export function isNumeric(column: Coded): boolean {
  return column.values.some((value) => value !== null) && column.values.every((value) => value === null || typeof value === "number");
}

/** Ranks of the values of a column in ascending order; nulls are last. */
export function ranks(column: Coded): Float64Array {
  const order = column.values.map((_, index) => index).sort((a, b) => compareCells(column.values[a]!, column.values[b]!));
  const rank = new Float64Array(order.length);
  order.forEach((value, position) => {
    rank[value] = position;
  });
  return rank;
}

const collator = new Intl.Collator("en", { numeric: true });

export function compareCells(a: Cell, b: Cell): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(String(a), String(b));
}
