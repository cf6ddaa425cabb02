import * as zarr from "zarrita";
import { registerCodecs } from "../codecs/register";
import { NotFound, Objects } from "../io/http";
import { ZarrStore } from "../io/store";
import { type Cell, Table } from "../io/table";
import { Cache } from "./cache";
import { type Coded, codedColumn } from "./column";
import { Pixels, type ZarrArray } from "./pixels";
import { type Plate, readPlates } from "./plates";
import { parseRoot, type Root } from "./root";
import { Group } from "./rules";

/** A site of a plate with the cells of its row. */
export interface Site {
  index: number;
  id: string;
  well: string;
  number: number;
  complete: boolean;
  cells: Map<string, Cell>;
}

/** Columns that say where a site is. */
const POSITION = ["site_id", "well", "site_number", "complete"];
/** Columns that are no metadata of the user. */
const OURS = new Set(["site_index", "object", "byte_offset", "byte_length", "complete"]);
/** With more columns than this, only those that are needed are read. */
const MANY_COLUMNS = 40;

/** The dataset beside the page. */
export class Dataset {
  readonly controls: Group | undefined;
  private readonly tables = new Map<string, Promise<Table>>();
  private readonly whole = new Map<string, Promise<Coded>>();
  private readonly plateSites = new Cache<Site[]>(64 << 20);
  private readonly plateStats = new Cache<Map<string, Cell[]>>(64 << 20);

  private constructor(
    readonly objects: Objects,
    readonly root: Root,
    readonly images: Pixels,
    readonly overview: Pixels | undefined,
    readonly plates: Plate[],
    /** Metadata columns of the user, in their order. */
    readonly columns: string[],
  ) {
    this.controls = root.negativeControls && new Group(root.negativeControls);
  }

  static async open(objects: Objects): Promise<Dataset> {
    registerCodecs();
    let bytes: Uint8Array;
    try {
      bytes = await objects.get("images.zarr/zarr.json");
    } catch (error) {
      if (error instanceof NotFound) {
        throw new Error(
          "There is no images.zarr/zarr.json beside this page, or it may not be read: no dataset is here, or it is not complete.",
        );
      }
      throw error;
    }
    const root = parseRoot(bytes);
    const group = zarr.root(new ZarrStore(objects, root.arrays));
    const open = async (name: string): Promise<Pixels> =>
      new Pixels((await zarr.open.v3(group.resolve(name), { kind: "array" })) as unknown as ZarrArray);
    const metadata = Table.open(objects, "metadata.parquet");
    const [images, overview, plates] = await Promise.all([
      open("images"),
      root.arrays.has("overview") ? open("overview") : undefined,
      readPlates(objects, root, metadata),
    ]);
    const columns = (await metadata).columns.filter((name) => !OURS.has(name));
    const dataset = new Dataset(objects, root, images, overview, plates, columns);
    dataset.tables.set("metadata.parquet", metadata);
    return dataset;
  }

  table(key: string): Promise<Table> {
    let table = this.tables.get(key);
    if (table === undefined) {
      table = Table.open(this.objects, key);
      this.tables.set(key, table);
      table.catch(() => this.tables.delete(key));
    }
    return table;
  }

  plateOf(site: number): Plate {
    let low = 0;
    let high = this.plates.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.plates[middle]!.first <= site) low = middle;
      else high = middle - 1;
    }
    return this.plates[low]!;
  }

  /** Reads the sites of a plate, with all columns, or with `also` where there are many. */
  sites(plate: Plate, also: string[] = []): Promise<Site[]> {
    const wanted =
      this.columns.length <= MANY_COLUMNS
        ? [...new Set([...this.columns, ...POSITION])]
        : [...new Set([...POSITION, ...(this.controls?.columns ?? []), ...also.filter((name) => this.columns.includes(name))])];
    return this.plateSites.get(
      `${plate.first} ${wanted.join("\n")}`,
      async () => {
        const table = await this.table("metadata.parquet");
        const read = await table.read(wanted, plate.first, plate.first + plate.sites);
        const column = (name: string): Cell[] => read.get(name) ?? [];
        return Array.from({ length: plate.sites }, (_, row): Site => {
          const index = plate.first + row;
          return {
            index,
            id: String(column("site_id")[row] ?? index),
            well: String(column("well")[row] ?? ""),
            number: Number(column("site_number")[row] ?? 1),
            complete: column("complete")[row] !== false,
            cells: new Map([...read].filter(([name]) => !OURS.has(name)).map(([name, cells]) => [name, cells[row] ?? null])),
          };
        });
      },
      (sites) => sites.length * wanted.length * 40,
    );
  }

  /** Reads one site. */
  async site(index: number): Promise<Site> {
    const plate = this.plateOf(index);
    return (await this.sites(plate))[index - plate.first]!;
  }

  /** Reads columns of planes.parquet for all planes of a plate: site by site, channel by channel. */
  planes(plate: Plate, columns: string[]): Promise<Map<string, Cell[]>> {
    const count = this.root.channels.length;
    return this.plateStats.get(
      `${plate.first} ${columns.join(" ")}`,
      async () =>
        (await this.table("planes.parquet")).read(columns, plate.first * count, (plate.first + plate.sites) * count),
      () => plate.sites * count * columns.length * 16,
    );
  }

  /**
   * Windows that fit the images of a plate, or of one of its sites: from the lowest p01 to the
   * 99th percentile of p99.9, as docs/format.md computes them. None for a channel without images.
   */
  async windows(plate: Plate, site?: number): Promise<([start: number, end: number] | undefined)[]> {
    const read = await this.planes(plate, ["status", "p01", "p999"]);
    const count = this.root.channels.length;
    return this.root.channels.map(({ window }, channel) => {
      const rows = Array.from({ length: plate.sites }, (_, at) => at)
        .filter((at) => site === undefined || at === site - plate.first)
        .map((at) => at * count + channel)
        .filter((row) => read.get("status")?.[row] === "ok");
      if (rows.length === 0) return undefined;
      const low = Math.floor(Math.min(...rows.map((row) => Number(read.get("p01")![row]))));
      const tops = rows.map((row) => Math.ceil(Number(read.get("p999")![row]))).sort((a, b) => a - b);
      const start = Math.min(low, window.max - 1);
      return [start, Math.max(start + 1, tops[Math.ceil(0.99 * tops.length) - 1]!)];
    });
  }

  /** Reads a metadata column of all sites. */
  column(name: string, progress?: (done: number) => void): Promise<Coded> {
    let column = this.whole.get(name);
    if (column === undefined) {
      column = this.table("metadata.parquet").then((table) => codedColumn(table, name, progress));
      this.whole.set(name, column);
      column.catch(() => this.whole.delete(name));
    }
    return column;
  }

  isControl(site: Site): boolean {
    return this.controls?.has((column) => site.cells.get(column) ?? null) ?? false;
  }
}
