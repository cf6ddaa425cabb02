/** One site at full resolution. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Dataset, Site } from "../data/dataset";
import { duckdbLines, pythonLines } from "../data/lines";
import { type Neighbour, neighbours } from "../data/neighbours";
import type { Samples } from "../data/pixels";
import { type Plate, plateName } from "../data/plates";
import { label } from "../data/root";
import { picture } from "../draw/composite";
import { figure, toPng } from "../draw/figure";
import type { Cell } from "../io/table";
import { address, change, looks, picks, setPicks, useParams } from "../state";
import { Card, Copy, Failure, Star, Thumb, Waiting, bytes, describe, message, planesOf, save, short, useAsync, useWidth } from "./parts";

const STATISTICS = ["status", "cause", "error", "mean", "std", "min", "max", "p001", "p01", "p50", "p99", "p999", "saturated", "focus"];

export function SiteView({ dataset }: { dataset: Dataset }) {
  const now = useParams();
  const index = Number(now.get("site") ?? 0);
  if (!Number.isSafeInteger(index) || index < 0 || index >= dataset.root.shape[0]) {
    return <Failure text={`There is no site ${now.get("site")}: the dataset has ${dataset.root.shape[0]} sites, counted from 0.`} />;
  }
  return <OneSite dataset={dataset} index={index} />;
}

function OneSite({ dataset, index }: { dataset: Dataset; index: number }) {
  const now = useParams();
  const { root } = dataset;
  const plate = dataset.plateOf(index);
  const site = useAsync(() => dataset.site(index), [index]);
  const statistics = useAsync(() => dataset.planes(plate, STATISTICS), [plate]);
  const shown = looks(now, root);
  const wanted = shown.map(({ channel }) => channel).join();
  const planes = useAsync(() => planesOf(dataset.images, index, shown), [index, wanted]);
  const [saving, setSaving] = useState<string>();
  const row = (index - plate.first) * root.channels.length;
  const statistic = (name: string, channel: number): Cell => statistics.value?.get(name)?.[row + channel] ?? null;
  const go = (step: number): void => {
    const next = index + step;
    if (next >= 0 && next < root.shape[0]) change({ site: String(next) }, "push");
  };
  const saveFigure = async (known: Site): Promise<void> => {
    try {
      setSaving("Drawing");
      const panel = { planes: planes.value!, lines: [known.id, describe(known)] };
      save(`${fileName(known.id)}.png`, await toPng(figure(root, [panel], shown, root.title)));
      setSaving(undefined);
    } catch (error) {
      setSaving(message(error));
    }
  };
  const absent = shown.filter(({ channel }) => statistics.value && statistic("status", channel) !== "ok");
  const base = new URL(".", location.href).href;
  return (
    <div class="view site">
      <div class="controls">
        <a class="button" href={address({ view: "plates", plate: plateName(plate), site: undefined })}>
          ‹ Plate {plateName(plate)}
        </a>
        <span class="steps">
          <button aria-label="Previous site" title="Previous site" disabled={index === 0} onClick={() => go(-1)}>
            ‹
          </button>
          <button aria-label="Next site" title="Next site" disabled={index === root.shape[0] - 1} onClick={() => go(1)}>
            ›
          </button>
        </span>
        {site.value && (
          <>
            <h1>
              <Star site={index} name={site.value.id} /> {site.value.id}
            </h1>
            <button disabled={!planes.value || shown.length === 0} onClick={() => void saveFigure(site.value!)}>
              Save figure
            </button>
          </>
        )}
        {saving && <span role="status">{saving}</span>}
      </div>
      {site.error && <Failure text={site.error} />}
      {planes.error && <Failure text={planes.error} />}
      {absent.length > 0 && (
        <p class="notice">
          Not an image, so it is black: {absent.map(({ channel }) => `${label(root.channels[channel]!)} (${String(statistic("cause", channel) ?? statistic("status", channel))})`).join(", ")}.
        </p>
      )}
      <div class="columns">
        <Viewer planes={planes.value} loading={planes.loading} dataset={dataset} name={site.value?.id ?? ""} />
        <div class="side">
          <Note site={index} />
          <Card title="Intensities">
            {statistics.loading && <Waiting>Reading planes.parquet</Waiting>}
            {statistics.error && <Failure text={statistics.error} />}
            {shown.map((look, at) => (
              <Histogram
                key={look.channel}
                name={label(root.channels[look.channel]!)}
                color={shown.length === 1 ? [150, 150, 150] : look.color}
                samples={planes.value?.[at]}
                start={look.start}
                end={look.end}
                statistic={(name) => {
                  const value = statistic(name, look.channel);
                  return typeof value === "number" ? value : undefined;
                }}
              />
            ))}
          </Card>
          {site.value && (
            <Card title="Metadata">
              <table class="facts">
                <tbody>
                  {[...site.value.cells].map(([name, cell]) => (
                    <tr key={name}>
                      <th scope="row" title={dataset.root.longNames.get(name) ?? ""}>
                        {name}
                      </th>
                      <td>{cell === null ? <span class="none">blank</span> : String(cell)}</td>
                      <td>
                        {cell !== null && name !== "site_id" && (
                          <a href={address({ view: "compare", by: name, value: String(cell), site: undefined })} title="Compare all sites with this value">
                            compare
                          </a>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Card>
          )}
          {site.value && (
            <Card title="Read it yourself">
              <pre tabIndex={0}>{pythonLines(base, site.value.id)}</pre>
              <p class="row">
                <Copy text={pythonLines(base, site.value.id)}>Copy Python</Copy>
                <Copy text={duckdbLines(base, site.value.id)}>Copy DuckDB</Copy>
              </p>
            </Card>
          )}
          {root.embeddings !== undefined && <Neighbours key={index} dataset={dataset} index={index} plate={plate} />}
        </div>
      </div>
    </div>
  );
}

export function fileName(text: string): string {
  return text.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, 80) || "figure";
}

function Note({ site }: { site: number }) {
  const list = picks(useParams());
  const pick = list.find((one) => one.site === site);
  if (!pick) return null;
  return (
    <label class="note">
      Note
      <input
        value={pick.note}
        maxLength={500}
        onChange={(event) => setPicks(list.map((one) => (one === pick ? { ...one, note: event.currentTarget.value } : one)))}
      />
    </label>
  );
}

/** Shows the composite; zoom with the wheel or + and -, pan by dragging or the arrow keys. */
function Viewer(props: { planes: Samples[] | undefined; loading: boolean; dataset: Dataset; name: string }) {
  const now = useParams();
  const { root } = props.dataset;
  const [, , height, width] = root.shape;
  const [outer, wide] = useWidth<HTMLDivElement>();
  const holder = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = looks(now, root);
  const key = JSON.stringify(shown);
  const [zoom, setZoom] = useState(1);
  const [shift, setShift] = useState({ x: 0, y: 0 });
  const [under, setUnder] = useState<{ x: number; y: number }>();
  const drag = useRef<{ x: number; y: number }>();
  useEffect(() => {
    if (!props.planes || !canvas.current) return;
    canvas.current.getContext("2d")!.putImageData(picture(props.planes, shown, width, height), 0, 0);
    canvas.current.dataset.ready = `${props.name} ${key}`;
  }, [props.planes, key, props.name]);
  const box = Math.max(160, Math.min(wide, window.innerHeight - 150));
  const scale = (box / Math.max(width, height)) * zoom;
  const zoomTo = (next: number, x = box / 2, y = box / 2): void => {
    const to = Math.min(32, Math.max(1, next));
    setShift(({ x: left, y: top }) =>
      to === 1 ? { x: 0, y: 0 } : { x: x - ((x - left) / zoom) * to, y: y - ((y - top) / zoom) * to },
    );
    setZoom(to);
  };
  const keys = (event: KeyboardEvent): void => {
    const pan: Record<string, [number, number]> = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    const step = pan[event.key];
    if (event.key === "+" || event.key === "=") zoomTo(zoom * 1.5);
    else if (event.key === "-") zoomTo(zoom / 1.5);
    else if (event.key === "0") zoomTo(1);
    else if (step) setShift(({ x, y }) => ({ x: x + step[0], y: y + step[1] }));
    else return;
    event.preventDefault();
  };
  useEffect(() => {
    const element = holder.current!;
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      const at = element.getBoundingClientRect();
      zoomTo(zoom * Math.exp(-event.deltaY / 300), event.clientX - at.left, event.clientY - at.top);
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  });
  const samples =
    under && props.planes
      ? shown.map((look, at) => `${label(root.channels[look.channel]!)} ${props.planes![at]![under.y * width + under.x]}`)
      : [];
  return (
    <div class="viewer" ref={outer}>
      <div
        class="stage"
        ref={holder}
        style={{ height: `${Math.ceil((height / Math.max(width, height)) * box)}px`, width: `${Math.ceil((width / Math.max(width, height)) * box)}px` }}
        tabIndex={0}
        role="application"
        aria-label="The image. Plus and minus zoom, arrow keys move, 0 fits."
        onKeyDown={keys}
        onPointerDown={(event) => {
          drag.current = { x: event.clientX - shift.x, y: event.clientY - shift.y };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerUp={() => (drag.current = undefined)}
        onPointerLeave={() => setUnder(undefined)}
        onPointerMove={(event) => {
          if (drag.current) setShift({ x: event.clientX - drag.current.x, y: event.clientY - drag.current.y });
          const at = holder.current!.getBoundingClientRect();
          const x = Math.floor((event.clientX - at.left - shift.x) / scale);
          const y = Math.floor((event.clientY - at.top - shift.y) / scale);
          setUnder(x >= 0 && x < width && y >= 0 && y < height ? { x, y } : undefined);
        }}
      >
        <canvas
          ref={canvas}
          id="site-canvas"
          width={width}
          height={height}
          style={{
            width: `${width * scale}px`,
            height: `${height * scale}px`,
            left: `${shift.x}px`,
            top: `${shift.y}px`,
            imageRendering: scale > 2 ? "pixelated" : "auto",
          }}
        />
        {props.loading && <Waiting>Reading the site</Waiting>}
      </div>
      <div class="row under">
        <span class="steps">
          <button aria-label="Zoom out" title="Zoom out (-)" onClick={() => zoomTo(zoom / 1.5)}>
            −
          </button>
          <button aria-label="Zoom in" title="Zoom in (+)" onClick={() => zoomTo(zoom * 1.5)}>
            +
          </button>
          <button title="Fit (0)" onClick={() => zoomTo(1)}>
            Fit
          </button>
        </span>
        <span class="numbers">
          {under ? `y ${under.y}, x ${under.x}: ${samples.join(", ")}` : `${width} × ${height} pixels, ${root.bits} bit, zoom ${zoom.toFixed(1)}`}
        </span>
      </div>
    </div>
  );
}

/** The distribution of the samples, and the percentiles of planes.parquet. */
function Histogram(props: {
  name: string;
  color: number[];
  samples: Samples | undefined;
  start: number;
  end: number;
  statistic: (name: string) => number | undefined;
}) {
  const WIDTH = 280;
  const HEIGHT = 54;
  const highest = props.statistic("max") ?? props.end;
  const most = Math.max(props.end, Math.min(highest, (props.statistic("p999") ?? highest) * 1.3)) || 1;
  const path = useMemo(() => {
    if (!props.samples) return "";
    // A bin holds one value or several, never now and then one more.
    const step = Math.max(1, Math.ceil(most / 140));
    const bins = new Float64Array(Math.floor(most / step) + 1);
    for (const value of props.samples) {
      const bin = Math.floor(value / step);
      if (bin < bins.length) bins[bin]!++;
    }
    const top = Math.log1p(bins.reduce((a, b) => Math.max(a, b), 1));
    return `M0 ${HEIGHT}${[...bins].map((bin, at) => `L${((at / Math.max(1, bins.length - 1)) * WIDTH).toFixed(1)} ${(HEIGHT - (Math.log1p(bin) / top) * HEIGHT).toFixed(1)}`).join("")}L${WIDTH} ${HEIGHT}Z`;
  }, [props.samples, most]);
  const x = (value: number): number => Math.min(WIDTH, (value / most) * WIDTH);
  const [low, mid, high] = ["p01", "p50", "p99"].map(props.statistic);
  const facts = ["mean", "p50", "p999", "focus"]
    .map((name) => [name, props.statistic(name)] as const)
    .filter((fact): fact is readonly [string, number] => fact[1] !== undefined);
  return (
    <figure class="histogram">
      <figcaption>{props.name}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + 8}`} role="img" aria-label={`Histogram of ${props.name}`}>
        <rect x={x(props.start)} y={0} width={Math.max(0, x(props.end) - x(props.start))} height={HEIGHT} class="in-window" />
        <path d={path} fill={`rgb(${props.color.join(" ")})`} class="bars" />
        {low !== undefined && high !== undefined && <line x1={x(low)} x2={x(high)} y1={HEIGHT + 4} y2={HEIGHT + 4} class="spread" />}
        {mid !== undefined && <circle cx={x(mid)} cy={HEIGHT + 4} r={3} class="median" />}
      </svg>
      <p class="numbers">
        {facts.map(([name, value]) => `${name === "p50" ? "median" : name === "p999" ? "p99.9" : name} ${short(value)}`).join(" · ")}
        {(props.statistic("saturated") ?? 0) > 0 && ` · saturated ${((props.statistic("saturated") ?? 0) * 100).toFixed(2)} %`}
      </p>
    </figure>
  );
}

/** Sites with similar embeddings. */
function Neighbours({ dataset, index, plate }: { dataset: Dataset; index: number; plate: Plate }) {
  const [state, set] = useState<{ found?: Neighbour[]; progress?: number; error?: string }>({});
  const size = useAsync(async () => {
    const table = await dataset.table("embeddings.parquet");
    return table.sizeOf(["embedding"]);
  }, []);
  const find = async (from: number, to: number): Promise<void> => {
    set({ progress: 0 });
    try {
      set({ found: await neighbours(dataset, index, from, to, 12, (progress) => (set({ progress }), true)) });
    } catch (error) {
      set({ error: message(error) });
    }
  };
  return (
    <Card title="Neighbours by embedding">
      {state.progress === undefined && !state.found && (
        <p class="row">
          <button onClick={() => void find(plate.first, plate.first + plate.sites)}>On this plate</button>
          <button onClick={() => void find(0, dataset.root.shape[0])}>
            In all sites{size.value === undefined ? "" : ` (reads ${bytes(size.value)})`}
          </button>
        </p>
      )}
      {state.error && <Failure text={state.error} />}
      {state.progress !== undefined && <progress max={1} value={state.progress} aria-label="Embeddings read" />}
      {state.found && (
        <div class="thumbs">
          {state.found.map(({ site, similarity }) => (
            <Thumb
              key={site}
              dataset={dataset}
              site={site}
              title={`site ${site}, cosine similarity ${similarity.toFixed(3)}`}
              caption={similarity.toFixed(3)}
            />
          ))}
        </div>
      )}
    </Card>
  );
}
