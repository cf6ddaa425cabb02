/** A plate: its wells as a grid of composites from the overview. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Dataset, Site } from "../data/dataset";
import type { Samples } from "../data/pixels";
import { type Plate, plateName, rowLetters, wellPosition } from "../data/plates";
import { picture } from "../draw/composite";
import { legendOf } from "../draw/palette";
import { change, looks, picks, useParams } from "../state";
import { Choice, Failure, Star, Waiting, chosenPlate, count, describe, many, message, useAsync, useWidth } from "./parts";

export function PlateChoice({ dataset, plate }: { dataset: Dataset; plate: Plate }) {
  const experiments = useMemo(() => [...new Set(dataset.plates.map(({ experiment }) => experiment))], [dataset]);
  const inside = dataset.plates.filter(({ experiment }) => experiment === plate.experiment);
  const at = dataset.plates.indexOf(plate);
  const go = (next: Plate | undefined): void => next && change({ plate: plateName(next), well: undefined }, "push");
  return (
    <>
      <Choice
        name="Experiment"
        value={plate.experiment}
        options={experiments}
        onChange={(value) => go(dataset.plates.find(({ experiment }) => experiment === value))}
      />
      <Choice
        name="Plate"
        value={plate.plate}
        options={inside.map((one) => one.plate)}
        onChange={(value) => go(inside.find((one) => one.plate === value))}
      />
      <span class="steps">
        <button aria-label="Previous plate" title="Previous plate" disabled={at === 0} onClick={() => go(dataset.plates[at - 1])}>
          ‹
        </button>
        <button
          aria-label="Next plate"
          title="Next plate"
          disabled={at === dataset.plates.length - 1}
          onClick={() => go(dataset.plates[at + 1])}
        >
          ›
        </button>
      </span>
    </>
  );
}

/** Where the sites of a plate lie in its grid. */
export interface Grid {
  rows: number[];
  columns: number[];
  /** Sites by well position `row/column`, in the order of their numbers. */
  wells: Map<string, Site[]>;
  /** Most sites of a well. */
  depth: number;
  /** Sites whose well has no position. */
  elsewhere: number;
  /** Whether rows and columns without a well are left out. */
  packed: boolean;
}

export function gridOf(sites: Site[]): Grid {
  const wells = new Map<string, Site[]>();
  let [top, bottom, left, right, depth, elsewhere] = [Infinity, -1, Infinity, -1, 1, 0];
  for (const site of sites) {
    const position = wellPosition(site.well);
    if (!position) {
      elsewhere++;
      continue;
    }
    const key = `${position.row}/${position.column}`;
    const list = wells.get(key);
    if (list) list.push(site);
    else wells.set(key, [site]);
    depth = Math.max(depth, wells.get(key)!.length);
    [top, bottom] = [Math.min(top, position.row), Math.max(bottom, position.row)];
    [left, right] = [Math.min(left, position.column), Math.max(right, position.column)];
  }
  const span = (from: number, to: number): number[] => (to < from ? [] : Array.from({ length: to - from + 1 }, (_, at) => from + at));
  const [rows, columns] = [span(top, bottom), span(left, right)];
  const packed = wells.size * 4 < rows.length * columns.length;
  if (!packed) return { rows, columns, wells, depth, elsewhere, packed };
  const used = [...wells.keys()].map((key) => key.split("/").map(Number));
  return {
    rows: rows.filter((row) => used.some(([one]) => one === row)),
    columns: columns.filter((column) => used.some(([, one]) => one === column)),
    wells,
    depth,
    elsewhere,
    packed,
  };
}

const HEAD = 22;
const GAP = 3;

export function PlatesView({ dataset }: { dataset: Dataset }) {
  const now = useParams();
  const plate = chosenPlate(dataset, now.get("plate"));
  const frame = now.get("frame") ?? "";
  const sites = useAsync(() => dataset.sites(plate, frame ? [frame] : []), [plate, frame]);
  const statuses = useAsync(async () => {
    const known = sites.value;
    if (!known || known.every((site) => site.complete)) return undefined;
    return (await dataset.planes(plate, ["status"])).get("status");
  }, [sites.value]);
  const frames = dataset.columns.filter((name) => !["site_id", "experiment", "plate", "well", "site_number"].includes(name));
  const legend = useMemo(
    () => (frame && sites.value ? legendOf(sites.value.map((site) => site.cells.get(frame) ?? null)) : undefined),
    [frame, sites.value],
  );
  const chosenSites = now.get("sites") ?? "all";
  const numbers = [...new Set(sites.value?.map(({ number }) => number) ?? [])].sort((a, b) => a - b);
  const incomplete = sites.value?.filter((site) => !site.complete).length ?? 0;
  return (
    <div class="view plates">
      <div class="controls">
        <PlateChoice dataset={dataset} plate={plate} />
        <Choice
          name="Frames"
          value={frame}
          options={[["", "none"], ...frames.map((name): [string, string] => [name, dataset.root.longNames.get(name) || name])]}
          onChange={(value) => change({ frame: value })}
        />
        {numbers.length > 1 && (
          <Choice
            name="Sites"
            value={chosenSites}
            options={[["all", numbers.length === 2 ? "both" : "all"], ...numbers.map((one): [string, string] => [String(one), `site ${one}`])]}
            onChange={(value) => change({ sites: value === "all" ? undefined : value })}
          />
        )}
        <Choice
          name="Size"
          value={now.get("size") ?? "fit"}
          options={[["fit", "fit"], ["full", "full overview"]]}
          onChange={(value) => change({ size: value === "fit" ? undefined : value })}
        />
      </div>
      {!dataset.overview && (
        <p class="notice">
          This dataset has no array <code>images.zarr/overview</code>: an earlier draft of the program made it. Wells are
          drawn as squares; click one to see its images.
        </p>
      )}
      {sites.error && <Failure text={sites.error} />}
      {sites.loading && <Waiting>Reading the sites of {plateName(plate)}</Waiting>}
      {sites.value && (
        <>
          <PlateCanvas
            dataset={dataset}
            sites={sites.value.filter((site) => chosenSites === "all" || String(site.number) === chosenSites)}
            statuses={statuses.value}
            first={plate.first}
            colorOf={legend && ((site) => legend.colorOf(site.cells.get(frame) ?? null))}
          />
          <div class="legend">
            {legend?.entries.map(({ color, text }) => (
              <span key={text}>
                <i style={{ borderColor: color }} />
                {text}
              </span>
            ))}
            {incomplete > 0 && (
              <span>
                <i class="hatch missing" /> image missing
              </span>
            )}
            {incomplete > 0 && (
              <span>
                <i class="hatch bad" /> image unreadable or corrupt
              </span>
            )}
          </div>
          <p class="summary">
            {many(new Set(sites.value.map(({ well }) => well)).size, "well")}, {many(sites.value.length, "site")}
            {incomplete > 0 ? `, ${count(incomplete)} of them incomplete` : ", all complete"}. Click a well, or move with the
            arrow keys and press Enter, to see it at full size; <kbd>p</kbd> picks it.
          </p>
        </>
      )}
    </div>
  );
}

interface Tile {
  site: Site;
  x: number;
  y: number;
}

/** Draws the wells of a plate and lets people choose one. */
function PlateCanvas(props: {
  dataset: Dataset;
  sites: Site[];
  statuses: unknown[] | undefined;
  first: number;
  colorOf: ((site: Site) => string | undefined) | undefined;
}) {
  const { dataset, sites, statuses, first, colorOf } = props;
  const now = useParams();
  const { root, overview } = dataset;
  const [holder, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const grid = useMemo(() => gridOf(sites), [sites]);
  const shown = looks(now, root);
  const key = JSON.stringify(shown);
  const [planes, setPlanes] = useState<Map<string, Samples>>(new Map());
  const [error, setError] = useState<string>();
  const [done, setDone] = useState(0);
  const [focus, setFocus] = useState<Site>();
  const kept = useRef<{ layout: string; sites: Site[]; canvas: OffscreenCanvas; drawn: Map<number, number> }>();
  const starred = new Set(picks(now).map((pick) => pick.site));

  // Reads channel after channel, and draws each object as it comes.
  const wanted = shown.map(({ channel }) => channel).join();
  useEffect(() => {
    let current = true;
    setError(undefined);
    if (!overview) return;
    const units = new Map<number, Site[]>();
    for (const site of sites) {
      const unit = Math.floor(site.index / overview.sitesTogether);
      const list = units.get(unit);
      if (list) list.push(site);
      else units.set(unit, [site]);
    }
    const found = new Map<string, Samples>();
    const read = (channel: number): Promise<unknown> =>
      Promise.all(
        [...units.values()].map(async (list) => {
          // The sites of a unit share a chunk, so that one read has them all.
          const read = await Promise.all(list.map((site) => overview.plane(site.index, channel)));
          list.forEach((site, at) => found.set(`${site.index}/${channel}`, read[at]!));
          if (current) {
            setPlanes(found);
            setDone(found.size);
          }
        }),
      );
    const channels = shown.map(({ channel }) => channel);
    void (async () => {
      try {
        if (channels.length > 0) {
          // The other channels are asked for once those requests are on their way that the first
          // one needs; requests are answered in their order.
          const first = read(channels[0]!);
          await Promise.race([first, overview.plane(sites[0]!.index, channels[0]!)]);
          await Promise.all([first, ...(current ? channels.slice(1).map(read) : [])]);
        }
      } catch (failure) {
        if (current) setError(message(failure));
      }
    })();
    return () => {
      current = false;
    };
  }, [sites, wanted, overview]);

  const across = grid.depth <= 2 ? grid.depth : Math.ceil(Math.sqrt(grid.depth));
  const down = Math.ceil(grid.depth / across);
  const ratio = (overview ? overview.height / overview.width : root.shape[2] / root.shape[3]) || 1;
  const native = overview?.width ?? 64;
  const fit = Math.floor((width - HEAD) / Math.max(1, grid.columns.length) - GAP) / across;
  const size = now.get("size") === "full" ? native : Math.max(8, Math.min(native * 1.5, Math.floor(fit)));
  const tall = Math.max(4, Math.round(size * ratio));
  const cell = { width: size * across + GAP, height: tall * down + GAP };
  const total = { width: HEAD + cell.width * grid.columns.length, height: HEAD + cell.height * grid.rows.length };

  const tiles = useMemo(() => {
    const list: Tile[] = [];
    for (const [position, group] of grid.wells) {
      const [row, column] = position.split("/").map(Number) as [number, number];
      group.forEach((site, index) =>
        list.push({
          site,
          x: HEAD + grid.columns.indexOf(column) * cell.width + (index % across) * size,
          y: HEAD + grid.rows.indexOf(row) * cell.height + Math.floor(index / across) * tall,
        }),
      );
    }
    return list;
  }, [grid, size, tall, across]);

  useEffect(() => {
    const element = canvas.current;
    if (!element || width === 0) return;
    const frame = requestAnimationFrame(() => {
      const scale = Math.min(window.devicePixelRatio || 1, 8192 / Math.max(total.width, total.height, 1));
      element.width = Math.max(1, Math.round(total.width * scale));
      element.height = Math.max(1, Math.round(total.height * scale));
      const context = element.getContext("2d")!;
      context.scale(scale, scale);
      draw(context, scale);
    });
    return () => cancelAnimationFrame(frame);
  }, [tiles, planes, done, key, width, statuses, colorOf, focus, starred.size, total.width, now.get("theme")]);

  /** Draws the images of sites of which planes have come since the last time. */
  function drawImages(scale: number, empty: string): OffscreenCanvas {
    const layout = [total.width, total.height, scale, size, key, empty].join();
    let known = kept.current;
    if (known?.layout !== layout || known.sites !== sites) {
      const canvas = new OffscreenCanvas(Math.max(1, Math.round(total.width * scale)), Math.max(1, Math.round(total.height * scale)));
      known = { layout, sites, canvas, drawn: new Map() };
      kept.current = known;
    }
    const context = known.canvas.getContext("2d")!;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.imageSmoothingEnabled = size * scale < native;
    context.imageSmoothingQuality = "high";
    const small = new OffscreenCanvas(native, overview?.height ?? Math.round(native * ratio));
    const pen = small.getContext("2d")!;
    for (const { site, x, y } of tiles) {
      const read = shown.map(({ channel }) => planes.get(`${site.index}/${channel}`));
      const there = read.filter((plane) => plane !== undefined).length;
      if (known.drawn.get(site.index) === there) continue;
      known.drawn.set(site.index, there);
      if (there > 0) {
        pen.putImageData(picture(read, shown, small.width, small.height), 0, 0);
        context.drawImage(small, x, y, size, tall);
      } else {
        context.fillStyle = empty;
        context.fillRect(x, y, size - 1, tall - 1);
      }
    }
    return known.canvas;
  }

  function draw(context: CanvasRenderingContext2D, scale: number): void {
    const style = getComputedStyle(canvas.current!);
    const ink = style.getPropertyValue("--muted");
    const line = style.getPropertyValue("--line");
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "center";
    context.fillStyle = ink;
    grid.columns.forEach((column, at) => context.fillText(String(column), HEAD + (at + 0.5) * cell.width - GAP / 2, HEAD / 2));
    grid.rows.forEach((row, at) => context.fillText(rowLetters(row), HEAD / 2 - 2, HEAD + (at + 0.5) * cell.height - GAP / 2));
    context.strokeStyle = line;
    context.lineWidth = 1;
    grid.rows.forEach((row, y) =>
      grid.columns.forEach((column, x) => {
        if (grid.wells.has(`${row}/${column}`)) return;
        context.strokeRect(HEAD + x * cell.width + 0.5, HEAD + y * cell.height + 0.5, cell.width - GAP - 1, cell.height - GAP - 1);
      }),
    );
    const images = drawImages(scale, line);
    context.drawImage(images, 0, 0, images.width / scale, images.height / scale);
    for (const { site, x, y } of tiles) {
      const status = worstStatus(site, shown.map(({ channel }) => channel), statuses, first, root.channels.length);
      if (status) hatch(context, x, y, size, tall, status);
    }
    for (const [position, group] of grid.wells) {
      const [row, column] = position.split("/").map(Number) as [number, number];
      const x = HEAD + grid.columns.indexOf(column) * cell.width;
      const y = HEAD + grid.rows.indexOf(row) * cell.height;
      const color = colorOf?.(group[0]!);
      if (color) {
        context.strokeStyle = color;
        context.lineWidth = 2.5;
        context.strokeRect(x - 0.25, y - 0.25, cell.width - GAP + 0.5, cell.height - GAP + 0.5);
      }
    }
    for (const { site, x, y } of tiles) {
      if (starred.has(site.index)) {
        context.fillStyle = "#ffd54a";
        context.strokeStyle = "#000";
        context.lineWidth = 2;
        context.font = "bold 14px system-ui, sans-serif";
        context.strokeText("★", x + size - 9, y + 9);
        context.fillText("★", x + size - 9, y + 9);
      }
    }
    if (focus) {
      const tile = tiles.find(({ site }) => site.index === focus.index);
      if (tile) {
        context.strokeStyle = "#000";
        context.lineWidth = 4;
        context.strokeRect(tile.x + 1, tile.y + 1, size - 2, tall - 2);
        context.strokeStyle = "#fff";
        context.lineWidth = 2;
        context.strokeRect(tile.x + 1, tile.y + 1, size - 2, tall - 2);
      }
    }
  }

  const at = (event: { offsetX: number; offsetY: number }): Site | undefined =>
    tiles.find(
      ({ x, y }) => event.offsetX >= x && event.offsetX < x + size && event.offsetY >= y && event.offsetY < y + tall,
    )?.site;
  const open = (site: Site | undefined): void => site && change({ view: "site", site: String(site.index) }, "push");
  const move = (event: KeyboardEvent): void => {
    const steps: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (event.key === "Enter") open(focus);
    if (event.key === "p" && focus) document.getElementById("star-focus")?.querySelector("button")?.click();
    if (!step) return;
    event.preventDefault();
    const from = tiles.find(({ site }) => site === focus);
    if (!from) {
      setFocus(tiles[0]?.site);
      return;
    }
    let best: Tile | undefined;
    let least = Infinity;
    for (const tile of tiles) {
      const along = (tile.x - from.x) * step[0] + (tile.y - from.y) * step[1];
      const beside = Math.abs((tile.x - from.x) * step[1]) + Math.abs((tile.y - from.y) * step[0]);
      if (along > 0 && along + 4 * beside < least) {
        least = along + 4 * beside;
        best = tile;
      }
    }
    if (best) setFocus(best.site);
  };
  const expected = overview ? sites.length * shown.length : 0;
  const ready = expected > 0 && done >= expected && !error;
  return (
    <div class="plate" ref={holder}>
      {error && <Failure text={error} />}
      <div class="status-line">
        <span class="focused" aria-live="polite" id="star-focus">
          {focus ? (
            <>
              <Star site={focus.index} name={focus.id} /> <b>{focus.well}</b> {describe(focus).slice(focus.well.length)}
            </>
          ) : (
            "Point at a well to see what it is."
          )}
        </span>
        {expected > 0 && !ready && !error && <progress max={expected} value={Math.min(done, expected)} aria-label="Images drawn" />}
      </div>
      <div class="scroll">
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={`Wells of the plate. Arrow keys move, Enter opens a well, p picks it.`}
          data-ready={ready}
          data-sites={sites.length}
          data-done={done}
          style={{ width: `${total.width}px`, height: `${total.height}px` }}
          onPointerMove={(event) => {
            const site = at(event);
            if (site && site !== focus) setFocus(site);
          }}
          onClick={(event) => open(at(event))}
          onKeyDown={move}
        />
      </div>
      {grid.packed && <p class="hint">Few wells are used: rows and columns without any are left out.</p>}
      {grid.elsewhere > 0 && <p class="hint">{many(grid.elsewhere, "site")} whose well is no position on a plate: see the table.</p>}
    </div>
  );
}

function worstStatus(
  site: Site,
  channels: number[],
  statuses: unknown[] | undefined,
  first: number,
  count: number,
): "missing" | "bad" | undefined {
  if (site.complete) return undefined;
  if (!statuses) return "missing";
  const found = channels.map((channel) => statuses[(site.index - first) * count + channel]);
  if (found.some((status) => status !== "ok" && status !== "missing")) return "bad";
  return found.includes("missing") ? "missing" : undefined;
}

function hatch(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, kind: "missing" | "bad"): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = kind === "bad" ? "#ff6b5e" : "#c9c9c9";
  context.lineWidth = 1.5;
  context.beginPath();
  for (let at = -height; at < width; at += 7) {
    context.moveTo(x + at, y + height);
    context.lineTo(x + at + height, y);
    if (kind === "bad") {
      context.moveTo(x + at, y);
      context.lineTo(x + at + height, y + height);
    }
  }
  context.stroke();
  context.restore();
}
