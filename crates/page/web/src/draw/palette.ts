import type { Cell } from "../io/table";
import { compareCells } from "../data/column";

/** Colours that people with any colour vision tell apart (Okabe and Ito, and two more). */
const COLORS = ["#56b4e9", "#e69f00", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#0072b2", "#b8b8b8", "#8c6bb1", "#7fc97f"];

/** Anchors of viridis. */
const VIRIDIS = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 74, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [109, 205, 89],
  [180, 222, 44],
  [253, 231, 37],
] as const;

/** A colour of viridis, for a value from 0 to 1. */
export function viridis(value: number): string {
  const at = Math.min(1, Math.max(0, value)) * (VIRIDIS.length - 1);
  const low = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const part = VIRIDIS[low]!.map((from, index) => Math.round(from + (VIRIDIS[low + 1]![index]! - from) * (at - low)));
  return `rgb(${part.join(" ")})`;
}

export interface Legend {
  colorOf: (cell: Cell) => string | undefined;
  entries: { color: string; text: string }[];
}

/** Chooses a colour for each value of a column on a plate. */
export function legendOf(cells: Cell[]): Legend {
  const counts = new Map<Cell, number>();
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  counts.delete(null);
  const values = [...counts.keys()];
  if (values.length > COLORS.length && values.every((value) => typeof value === "number" && Number.isFinite(value))) {
    const numbers = values as number[];
    const least = numbers.reduce((a, b) => Math.min(a, b));
    const most = numbers.reduce((a, b) => Math.max(a, b));
    return {
      colorOf: (cell) => (typeof cell === "number" ? viridis((cell - least) / (most - least || 1)) : undefined),
      entries: [0, 0.25, 0.5, 0.75, 1].map((part) => ({
        color: viridis(part),
        text: String(Math.round((least + part * (most - least)) * 100) / 100),
      })),
    };
  }
  const shown = values.sort((a, b) => counts.get(b)! - counts.get(a)!).slice(0, COLORS.length).sort(compareCells);
  const rest = values.length - shown.length;
  const colors = new Map(shown.map((value, index) => [value, COLORS[index]!]));
  return {
    colorOf: (cell) => colors.get(cell),
    entries: [
      ...shown.map((value) => ({ color: colors.get(value)!, text: `${String(value)} (${counts.get(value)})` })),
      ...(rest > 0 ? [{ color: "transparent", text: `and ${rest} other values without a frame` }] : []),
    ],
  };
}
