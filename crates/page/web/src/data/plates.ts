import { NotFound, type Objects } from "../io/http";
import { type Cell, Table } from "../io/table";
import { codedColumn } from "./column";
import type { Root } from "./root";

/** A plate: its sites are contiguous rows of metadata.parquet. */
export interface Plate {
  experiment: string;
  plate: string;
  first: number;
  sites: number;
  wells: number | undefined;
  missing: number | undefined;
  bad: number | undefined;
}

/** Name of a plate in the fragment and in headings. */
export const plateName = (plate: Plate): string => `${plate.experiment}/${plate.plate}`;

/** Reads plates.parquet; without it, finds the plates in metadata.parquet. */
export async function readPlates(objects: Objects, root: Root, metadata: Promise<Table>): Promise<Plate[]> {
  let table: Table;
  try {
    table = await Table.open(objects, "plates.parquet");
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    return platesOfRows(await metadata);
  }
  const read = await table.read(table.columns);
  const column = (name: string): Cell[] | undefined => read.get(name);
  const first = column("first_site");
  const sites = column("sites");
  if (first === undefined || sites === undefined) return platesOfRows(await metadata);
  const count = (cells: Cell[] | undefined, row: number): number | undefined =>
    typeof cells?.[row] === "number" ? cells[row] : undefined;
  const plates = first.map(
    (start, row): Plate => ({
      experiment: String(column("experiment")?.[row] ?? ""),
      plate: String(column("plate")?.[row] ?? ""),
      first: Number(start),
      sites: Number(sites[row]),
      wells: count(column("wells"), row),
      missing: count(column("missing"), row),
      bad: count(column("bad"), row),
    }),
  );
  let next = 0;
  for (const plate of plates) {
    if (plate.first !== next || !(plate.sites > 0)) throw new Error("plates.parquet does not fit metadata.parquet.");
    next += plate.sites;
  }
  if (next !== root.shape[0]) throw new Error("plates.parquet does not fit metadata.parquet.");
  return plates;
}

async function platesOfRows(table: Table): Promise<Plate[]> {
  const [experiment, plate] = await Promise.all([codedColumn(table, "experiment"), codedColumn(table, "plate")]);
  const plates: Plate[] = [];
  for (let row = 0; row < table.rows; row++) {
    const same =
      row > 0 && experiment.codes[row] === experiment.codes[row - 1] && plate.codes[row] === plate.codes[row - 1];
    if (same) plates[plates.length - 1]!.sites++;
    else {
      plates.push({
        experiment: String(experiment.values[experiment.codes[row]!]),
        plate: String(plate.values[plate.codes[row]!]),
        first: row,
        sites: 1,
        wells: undefined,
        missing: undefined,
        bad: undefined,
      });
    }
  }
  return plates;
}

/** Row (from 0) and column (from 1) of a well such as `B02` or `AA02`. */
export function wellPosition(well: string): { row: number; column: number } | undefined {
  const match = /^([A-Za-z]{1,2})0*([0-9]{1,3})$/.exec(well);
  if (!match) return undefined;
  let row = 0;
  for (const letter of match[1]!.toUpperCase()) row = row * 26 + letter.charCodeAt(0) - 64;
  return { row: row - 1, column: Number(match[2]) };
}

/** Letters of a row, counted from 0. */
export function rowLetters(row: number): string {
  return row < 26 ? String.fromCharCode(65 + row) : `A${String.fromCharCode(65 + row - 26)}`;
}
