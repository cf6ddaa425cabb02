/** What planes.parquet says about the quality of a plate. The rules are those of docs/looking.md. */
import type { Cell } from "../io/table";
import type { Dataset, Site } from "./dataset";
import { type Plate, wellPosition } from "./plates";
import { label } from "./root";

export const STATISTICS: [name: string, text: string][] = [
  ["mean", "mean"],
  ["p999", "p99.9"],
  ["focus", "focus"],
  ["saturated", "saturation"],
];
export const COLUMNS = ["status", "cause", "mean", "p50", "p999", "focus", "saturated"];

export const BLURRED = 0.5;
export const OUTLIER = 4;
export const SATURATED = 0.001;
export const EMPTY = 0.25;
export const BRIGHT = 2;
export const EDGE = 0.25;
export const VIGNETTE = 0.3;

/** The planes of a plate, by columns of planes.parquet. */
export interface PlateQuality {
  plate: Plate;
  sites: Site[];
  /** Whether a site is a negative control. */
  control: boolean[];
  values: Map<string, Cell[]>;
  channels: number;
}

export async function plateQuality(dataset: Dataset, plate: Plate): Promise<PlateQuality> {
  const [sites, values] = await Promise.all([dataset.sites(plate), dataset.planes(plate, COLUMNS)]);
  return { plate, sites, control: sites.map((site) => dataset.isControl(site)), values, channels: dataset.root.channels.length };
}

/** A statistic of a channel for each site; undefined where there is no image. */
export function ofChannel(quality: PlateQuality, name: string, channel: number): (number | undefined)[] {
  const status = quality.values.get("status") ?? [];
  const cells = quality.values.get(name) ?? [];
  return quality.sites.map((_, at) => {
    const row = at * quality.channels + channel;
    const cell = cells[row];
    return status[row] === "ok" && typeof cell === "number" ? cell : undefined;
  });
}

export function median(values: number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const there = (values: (number | undefined)[]): number[] => values.filter((value) => value !== undefined);

export interface Flag {
  /** What is wrong, in words. */
  what: string;
  /** Why it is flagged. */
  why: string;
  sites: number[];
  channel: number | undefined;
  /** Whether there are no images to show. */
  absent: boolean;
}

/** Finds what is suspicious on a plate. */
export function flags(dataset: Dataset, quality: PlateQuality): Flag[] {
  const found: Flag[] = [];
  const { sites, channels } = quality;
  for (let channel = 0; channel < channels; channel++) {
    const name = label(dataset.root.channels[channel]!);
    const add = (what: string, why: string, list: number[], absent = false): void => {
      if (list.length > 0) found.push({ what: `${name}: ${what}`, why, sites: list, channel, absent });
    };
    const pick = (test: (at: number) => boolean): number[] => sites.flatMap((site, at) => (test(at) ? [site.index] : []));
    const status = sites.map((_, at) => quality.values.get("status")?.[at * channels + channel]);
    add("images are missing", "there is no file", pick((at) => status[at] === "missing"), true);
    add("images could not be used", "the file is unreadable or corrupt", pick((at) => status[at] !== "ok" && status[at] !== "missing"), true);
    const [focus, mean, p50, p999, saturated] = ["focus", "mean", "p50", "p999", "saturated"].map((one) => ofChannel(quality, one, channel)) as (number | undefined)[][];
    if (there(mean!).length < 8) continue;
    const range = sites.map((_, at) => (p999![at] === undefined ? undefined : p999![at]! - p50![at]!));
    // Focus grows with the square of the contrast, so it is compared at equal contrast.
    const sharp = sites.map((_, at) => (range[at] === undefined || range[at] === 0 ? undefined : focus![at]! / range[at]! ** 2));
    const usualRange = median(there(range))!;
    const usualSharp = median(there(sharp));
    const usualMean = median(there(mean!))!;
    const empty = pick((at) => range[at] !== undefined && range[at]! < EMPTY * usualRange);
    add("images look empty", `p99.9 minus median is below ${EMPTY * 100} % of the plate's median (${usualRange.toFixed(1)})`, empty);
    if (usualSharp !== undefined) {
      // On a logarithmic scale, so that a plate with a wide spread of its own flags only outliers.
      const distance = sharp.map((value) => (value === undefined || value <= 0 ? undefined : Math.log(value / usualSharp)));
      const spread = 1.4826 * median(there(distance).map(Math.abs))!;
      const blurred = pick((at) => distance[at] !== undefined && distance[at]! < Math.min(Math.log(BLURRED), -OUTLIER * spread));
      add(
        "images look out of focus",
        `focus at equal contrast is below ${BLURRED * 100} % of the plate's median, and ${OUTLIER} robust standard deviations below it`,
        blurred.filter((site) => !empty.includes(site)),
      );
    }
    add("images are saturated", `more than ${SATURATED * 100} % of the pixels have the greatest value`, pick((at) => (saturated![at] ?? 0) > SATURATED));
    add("images are unusually bright", `the mean is above ${BRIGHT} times the plate's median (${usualMean.toFixed(1)})`, pick((at) => (mean![at] ?? 0) > BRIGHT * usualMean));
    const lines = lineMedians(quality, mean!);
    for (const [kind, at, value, list] of lines) {
      if (Math.abs(value / usualMean - 1) > EDGE) {
        add(
          `${kind} ${at} is ${value > usualMean ? "brighter" : "darker"} than the plate`,
          `its median mean is ${Math.round(100 * (value / usualMean - 1))} % away from the plate's median, more than ${EDGE * 100} %`,
          list,
        );
      }
    }
  }
  return found;
}

/** Medians of rows and columns with at least six sites, of plates with at least four such lines. */
function lineMedians(quality: PlateQuality, values: (number | undefined)[]): [kind: string, at: string, value: number, sites: number[]][] {
  const lines = new Map<string, { values: number[]; sites: number[] }>();
  quality.sites.forEach((site, at) => {
    const position = wellPosition(site.well);
    const value = values[at];
    if (!position || value === undefined) return;
    for (const key of [`row ${site.well.replace(/[0-9]+$/, "")}`, `column ${position.column}`]) {
      const line = lines.get(key) ?? { values: [], sites: [] };
      line.values.push(value);
      line.sites.push(site.index);
      lines.set(key, line);
    }
  });
  const result: [string, string, number, number[]][] = [];
  for (const kind of ["row", "column"]) {
    const long = [...lines].filter(([key, line]) => key.startsWith(kind) && line.values.length >= 6);
    if (long.length < 4) continue;
    for (const [key, line] of long) result.push([kind, key.slice(kind.length + 1), median(line.values)!, line.sites]);
  }
  return result;
}

/** Groups of planes with equal pixels in different wells: number of the site and of the channel. */
export function equalPlanes(hashes: Cell[], sites: Site[], channels: number): { site: number; channel: number }[][] {
  const byHash = new Map<string, { site: number; channel: number; well: string }[]>();
  hashes.forEach((hash, row) => {
    if (typeof hash !== "string") return;
    const site = sites[Math.floor(row / channels)]!;
    const entry = { site: site.index, channel: row % channels, well: site.well };
    const list = byHash.get(hash);
    if (list) list.push(entry);
    else byHash.set(hash, [entry]);
  });
  return [...byHash.values()].filter((list) => new Set(list.map(({ well }) => well)).size > 1 || new Set(list.map(({ channel }) => channel)).size > 1);
}
