/** Where the data is bad: heat maps, drift, flat field, what is missing, equal planes, focus. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Dataset } from "../data/dataset";
import { type Plate, plateName, rowLetters, wellPosition } from "../data/plates";
import { type Flag, type PlateQuality, STATISTICS, VIGNETTE, equalPlanes, flags, median, ofChannel, plateQuality } from "../data/quality";
import { label } from "../data/root";
import { viridis } from "../draw/palette";
import { address, change, useParams } from "../state";
import { Card, Choice, Failure, Thumb, Waiting, chosenPlate, count, many, short, useAsync } from "./parts";
import { PlateChoice } from "./plates";

const PLATES_AT_ONCE = 8;

export function QualityView({ dataset }: { dataset: Dataset }) {
  const now = useParams();
  const { root } = dataset;
  const plate = chosenPlate(dataset, now.get("plate"));
  const channel = Math.max(0, root.channels.findIndex(({ name }) => name === now.get("qc")));
  const statistic = STATISTICS.find(([name]) => name === now.get("qs"))?.[0] ?? "mean";
  const inside = dataset.plates.filter(({ experiment }) => experiment === plate.experiment);
  const from = Math.floor(inside.indexOf(plate) / PLATES_AT_ONCE) * PLATES_AT_ONCE;
  const beside = inside.slice(from, from + PLATES_AT_ONCE);
  const own = useAsync(() => plateQuality(dataset, plate), [plate]);
  const all = useAsync(() => Promise.all(beside.map((one) => plateQuality(dataset, one))), [plate.experiment, from]);
  return (
    <div class="view quality">
      <div class="controls">
        <PlateChoice dataset={dataset} plate={plate} />
        <Choice name="Channel" value={root.channels[channel]!.name} options={root.channels.map((one): [string, string] => [one.name, label(one)])} onChange={(value) => change({ qc: value })} />
        <Choice name="Statistic" value={statistic} options={STATISTICS} onChange={(value) => change({ qs: value })} />
      </div>
      {own.error && <Failure text={own.error} />}
      <Card title={`What is flagged on plate ${plateName(plate)}, and why`}>
        {own.loading ? <Waiting>Reading planes.parquet</Waiting> : own.value && <Flags dataset={dataset} found={flags(dataset, own.value)} nameOf={(site) => describeWell(own.value!, site)} />}
      </Card>
      <Card title={`Plates of ${plate.experiment}: ${STATISTICS.find(([name]) => name === statistic)![1]} of ${label(root.channels[channel]!)}`}>
        {all.loading && <Waiting>Reading planes.parquet</Waiting>}
        {all.error && <Failure text={all.error} />}
        {all.value && <HeatMaps plates={all.value} chosen={plate} statistic={statistic} channel={channel} />}
      </Card>
      <Card title={`Drift of ${label(root.channels[channel]!)} over all plates`}>
        <Drift dataset={dataset} channel={channel} chosen={plate} />
      </Card>
      <div class="pairs">
        <Card title={`Flat field of ${label(root.channels[channel]!)}`}>
          <FlatField key={`${plate.first} ${channel}`} dataset={dataset} plate={plate} channel={channel} quality={own.value} />
        </Card>
        <Card title="Missing and bad images">
          <Gaps dataset={dataset} quality={own.value} />
        </Card>
      </div>
      <Card title={`Least in focus, ${label(root.channels[channel]!)}`}>
        {own.value && <Worst dataset={dataset} quality={own.value} channel={channel} />}
      </Card>
      <Card title="Equal images in different wells or channels">
        <Equal dataset={dataset} plate={plate} />
      </Card>
    </div>
  );
}

function Flags({ dataset, found, nameOf }: { dataset: Dataset; found: Flag[]; nameOf: (site: number) => string }) {
  if (found.length === 0) return <p class="good">Nothing is flagged on this plate.</p>;
  return (
    <ul class="flags">
      {found.map((flag) => (
        <li key={flag.what}>
          <b>{flag.what}</b> <span class="numbers">({many(flag.sites.length, "site")})</span>: {flag.why}.
          {flag.absent && (
            <div>
              {flag.sites.slice(0, 30).map((site, at) => (
                <span key={site}>
                  {at > 0 && ", "}
                  <a href={address({ view: "site", site: String(site) })}>{nameOf(site)}</a>
                </span>
              ))}
              {flag.sites.length > 30 && ` and ${flag.sites.length - 30} more`}
            </div>
          )}
          <div class="thumbs" hidden={flag.absent}>
            {!flag.absent && flag.sites.slice(0, 12).map((site) => (
              <Thumb key={site} dataset={dataset} site={site} title={`Open site ${site}`} size={56} only={flag.channel} />
            ))}
            {!flag.absent && flag.sites.length > 12 && <span class="hint">and {flag.sites.length - 12} more</span>}
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Plates side by side in one scale, with medians of rows and columns at their edges. */
function HeatMaps(props: { plates: PlateQuality[]; chosen: Plate; statistic: string; channel: number }) {
  const values = props.plates.map((plate) => ofChannel(plate, props.statistic, props.channel));
  const sorted = values.flat().filter((value) => value !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return <p class="hint">There is no image of this channel.</p>;
  const low = sorted[Math.floor(sorted.length * 0.02)]!;
  const high = sorted[Math.ceil(sorted.length * 0.98) - 1]!;
  const positions = props.plates.flatMap(({ sites }) => sites.flatMap((site) => wellPosition(site.well) ?? []));
  if (positions.length === 0) return <p class="hint">The wells are no positions on a plate.</p>;
  const extent = {
    top: positions.reduce((a, { row }) => Math.min(a, row), Infinity),
    bottom: positions.reduce((a, { row }) => Math.max(a, row), 0),
    left: positions.reduce((a, { column }) => Math.min(a, column), Infinity),
    right: positions.reduce((a, { column }) => Math.max(a, column), 0),
  };
  const color = (value: number | undefined): string => (value === undefined ? "var(--soft)" : viridis((value - low) / (high - low || 1)));
  return (
    <>
      <div class="maps">
        {props.plates.map((plate, at) => (
          <HeatMap key={plate.plate.first} extent={extent} quality={plate} values={values[at]!} color={color} chosen={plate.plate === props.chosen} />
        ))}
      </div>
      <p class="scale">
        {short(low)}
        <span class="ramp">
          {Array.from({ length: 32 }, (_, at) => (
            <i key={at} style={{ background: viridis(at / 31) }} />
          ))}
        </span>
        {short(high)} <span class="numbers">2nd to 98th percentile of these plates. A well is the median of its sites; the strips are medians of rows and columns. Negative controls have a white dot.</span>
      </p>
    </>
  );
}

function HeatMap(props: { extent: { top: number; bottom: number; left: number; right: number }; quality: PlateQuality; values: (number | undefined)[]; color: (value: number | undefined) => string; chosen: boolean }) {
  const { quality, values, color } = props;
  const wells = useMemo(() => {
    const found = new Map<string, { row: number; column: number; values: number[]; control: boolean; site: number; well: string }>();
    quality.sites.forEach((site, at) => {
      const position = wellPosition(site.well);
      if (!position) return;
      const one = found.get(site.well) ?? { ...position, values: [], control: quality.control[at]!, site: site.index, well: site.well };
      if (values[at] !== undefined) one.values.push(values[at]!);
      found.set(site.well, one);
    });
    return [...found.values()];
  }, [quality, values]);
  if (wells.length === 0) return null;
  const { top, bottom, left, right } = props.extent;
  const SIZE = 10;
  const HEAD = 12;
  const [columns, rows] = [right - left + 1, bottom - top + 1];
  const line = (test: (well: (typeof wells)[number]) => boolean): number | undefined => median(wells.filter(test).flatMap((well) => well.values));
  const width = HEAD + columns * SIZE + 4 + SIZE;
  const height = HEAD + rows * SIZE + 4 + SIZE;
  return (
    <figure class={props.chosen ? "map chosen" : "map"}>
      <figcaption>
        <a href={address({ plate: plateName(quality.plate) })}>Plate {quality.plate.plate}</a>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} style={{ maxWidth: `${width * 2.4}px` }} role="img" aria-label={`Heat map of plate ${quality.plate.plate}`}>
        {Array.from({ length: columns }, (_, at) =>
          (left + at) % 2 === 0 ? (
            <text key={at} x={HEAD + (at + 0.5) * SIZE} y={8} class="tick">
              {left + at}
            </text>
          ) : null,
        )}
        {Array.from({ length: rows }, (_, at) => (
          <text key={at} x={5} y={HEAD + at * SIZE + 7.5} class="tick">
            {rowLetters(top + at)}
          </text>
        ))}
        {wells.map((well) => {
          const value = median(well.values);
          const x = HEAD + (well.column - left) * SIZE;
          const y = HEAD + (well.row - top) * SIZE;
          return (
            <a key={well.well} href={address({ view: "site", site: String(well.site) })} tabIndex={-1}>
              <rect x={x} y={y} width={SIZE - 0.6} height={SIZE - 0.6} fill={color(value)}>
                <title>{`${well.well}: ${value === undefined ? "no image" : short(value)}${well.control ? ", negative control" : ""}`}</title>
              </rect>
              {value === undefined && <path d={`M${x + 1} ${y + SIZE - 1.6}L${x + SIZE - 1.6} ${y + 1}`} class="absent" />}
              {well.control && <circle cx={x + SIZE / 2 - 0.3} cy={y + SIZE / 2 - 0.3} r={1.6} class="control" />}
            </a>
          );
        })}
        {Array.from({ length: rows }, (_, at) => {
          const value = line(({ row }) => row === top + at);
          return value === undefined ? null : (
            <rect key={at} x={HEAD + columns * SIZE + 4} y={HEAD + at * SIZE} width={SIZE - 0.6} height={SIZE - 0.6} fill={color(value)} />
          );
        })}
        {Array.from({ length: columns }, (_, at) => {
          const value = line(({ column }) => column === left + at);
          return value === undefined ? null : (
            <rect key={at} x={HEAD + at * SIZE} y={HEAD + rows * SIZE + 4} width={SIZE - 0.6} height={SIZE - 0.6} fill={color(value)} />
          );
        })}
      </svg>
    </figure>
  );
}

/** Mean of each plate in the order of the plates, negative controls apart. */
function Drift({ dataset, channel, chosen }: { dataset: Dataset; channel: number; chosen: Plate }) {
  const name = dataset.root.channels[channel]!.name;
  const read = useAsync(async () => {
    const table = await dataset.table("channel_stats.parquet");
    return table.read(["scope", "experiment", "plate", "channel", "mean", "std"]);
  }, [dataset]);
  const points = useMemo(() => {
    if (!read.value) return undefined;
    const order = new Map(dataset.plates.map((plate, at) => [plateName(plate), at]));
    const column = (one: string): unknown[] => read.value!.get(one) ?? [];
    return column("scope").flatMap((scope, row) => {
      const at = order.get(`${String(column("experiment")[row])}/${String(column("plate")[row])}`);
      const mean = column("mean")[row];
      return (scope === "plate" || scope === "plate_controls") && column("channel")[row] === name && at !== undefined && typeof mean === "number"
        ? [{ at, mean, control: scope === "plate_controls" }]
        : [];
    });
  }, [read.value, name]);
  if (read.error) return <Failure text={read.error} />;
  if (!points) return <Waiting>Reading channel_stats.parquet</Waiting>;
  const WIDTH = 1000;
  const HEIGHT = 170;
  const LEFT = 44;
  const highest = points.reduce((a, { mean }) => Math.max(a, mean), 0);
  const lowest = points.reduce((a, { mean }) => Math.min(a, mean), highest);
  const pad = (highest - lowest) * 0.15 || highest * 0.1 || 1;
  const [least, most] = [Math.max(0, lowest - pad), highest + pad];
  const x = (at: number): number => LEFT + ((at + 0.5) / dataset.plates.length) * (WIDTH - LEFT - 6);
  const y = (value: number): number => HEIGHT - 22 - ((value - least) / (most - least)) * (HEIGHT - 34);
  const experiments: { name: string; from: number; to: number }[] = [];
  dataset.plates.forEach(({ experiment }, at) => {
    const last = experiments[experiments.length - 1];
    if (last?.name === experiment) last.to = at;
    else experiments.push({ name: experiment, from: at, to: at });
  });
  const labelled = Math.ceil(experiments.length / 12);
  return (
    <>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} class="drift" role="img" aria-label={`Mean of ${name} for each plate`}>
        {experiments.map((one, at) => (
          <g key={at}>
            {at % 2 === 1 && <rect x={x(one.from - 0.5)} width={x(one.to + 0.5) - x(one.from - 0.5)} y={0} height={HEIGHT - 22} class="band" />}
            {at % labelled === 0 && (
              <text x={(x(one.from) + x(one.to)) / 2} y={HEIGHT - 8} class="axis">
                {one.name}
              </text>
            )}
          </g>
        ))}
        {[0, 0.5, 1].map((part) => (
          <g key={part}>
            <line x1={LEFT} x2={WIDTH} y1={y(least + (most - least) * part)} y2={y(least + (most - least) * part)} class="rule" />
            <text x={LEFT - 6} y={y(least + (most - least) * part) + (part === 1 ? 8 : 4)} class="axis end">
              {short(least + (most - least) * part)}
            </text>
          </g>
        ))}
        {points.map(({ at, mean, control }) => (
          <a key={`${at} ${control}`} href={address({ plate: plateName(dataset.plates[at]!) })} tabIndex={-1}>
            <circle cx={x(at)} cy={y(mean)} r={(dataset.plates[at] === chosen ? 5.5 : 4) + (control ? 3 : 0)} class={control ? "point ring" : "point"}>
              <title>{`${plateName(dataset.plates[at]!)}${control ? ", negative controls" : ""}: ${short(mean)}`}</title>
            </circle>
          </a>
        ))}
      </svg>
      <p class="legend">
        <span>
          <i class="dot" /> mean of all images of a plate
        </span>
        {points.some(({ control }) => control) && (
          <span>
            <i class="dot ring" /> mean of its negative controls
          </span>
        )}
      </p>
    </>
  );
}

/** Mean of the overviews of a plate: uneven light shows as a gradient. */
function FlatField(props: { dataset: Dataset; plate: Plate; channel: number; quality: PlateQuality | undefined }) {
  const { dataset, plate, channel, quality } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const pixels = dataset.overview;
  const read = useAsync(async () => {
    if (!pixels || !quality) return undefined;
    const sum = new Float64Array(pixels.height * pixels.width);
    const usable = ofChannel(quality, "mean", channel);
    let planes = 0;
    for (let at = 0; at < plate.sites; at++) {
      if (usable[at] === undefined) continue;
      const plane = await pixels.plane(plate.first + at, channel);
      for (let pixel = 0; pixel < sum.length; pixel++) sum[pixel]! += plane[pixel]!;
      planes++;
    }
    return planes === 0 ? undefined : { field: sum.map((value) => value / planes), planes };
  }, [pixels, quality, channel]);
  const shape = read.value && pixels && fieldOf(read.value.field, pixels.width, pixels.height);
  useEffect(() => {
    if (!read.value || !canvas.current || !pixels || !shape) return;
    const image = new ImageData(pixels.width, pixels.height);
    read.value.field.forEach((value, pixel) => {
      const part = viridis((value - shape.low) / (shape.high - shape.low || 1)).match(/\d+/g)!.map(Number);
      image.data.set([part[0]!, part[1]!, part[2]!, 255], 4 * pixel);
    });
    canvas.current.getContext("2d")!.putImageData(image, 0, 0);
  }, [read.value]);
  if (!pixels) return <p class="hint">The dataset has no overview.</p>;
  if (read.error) return <Failure text={read.error} />;
  if (read.loading || !quality) return <Waiting>Reading the overviews of the plate</Waiting>;
  if (!read.value || !shape) return <p class="hint">There is no image of this channel.</p>;
  const fall = 1 - shape.corner / shape.center;
  return (
    <div class="flat">
      <canvas ref={canvas} width={pixels.width} height={pixels.height} role="img" aria-label="Mean image of the plate" />
      <p>
        Mean of {many(read.value.planes, "overview")}: {short(shape.low)} to {short(shape.high)}. The corners are {Math.abs(Math.round(fall * 100))} %{" "}
        {fall >= 0 ? "darker" : "brighter"} than the centre.{" "}
        {read.value.planes < 16
          ? "With so few images, cells still show."
          : Math.abs(fall) > VIGNETTE
            ? <b>That is more than {VIGNETTE * 100} %: the light is uneven.</b>
            : `That is within ${VIGNETTE * 100} %.`}
      </p>
    </div>
  );
}

/** Extremes, and the means of the corners and of the centre, an eighth of the side each. */
function fieldOf(field: Float64Array, width: number, height: number): { low: number; high: number; corner: number; center: number } {
  const mean = (test: (y: number, x: number) => boolean): number => {
    let [sum, pixels] = [0, 0];
    field.forEach((value, at) => {
      if (test(Math.floor(at / width) / height, (at % width) / width)) {
        sum += value;
        pixels++;
      }
    });
    return pixels === 0 ? 0 : sum / pixels;
  };
  const outer = (part: number): boolean => part < 1 / 8 || part >= 7 / 8;
  const middle = (part: number): boolean => part >= 3 / 8 && part < 5 / 8;
  return {
    low: field.reduce((a, b) => Math.min(a, b)),
    high: field.reduce((a, b) => Math.max(a, b)),
    corner: mean((y, x) => outer(y) && outer(x)),
    center: mean((y, x) => middle(y) && middle(x)) || 1,
  };
}

/** Which images are not there, and why. */
function Gaps({ dataset, quality }: { dataset: Dataset; quality: PlateQuality | undefined }) {
  const planes = dataset.root.planes;
  const gaps = [...planes].filter(([status, number]) => status !== "ok" && number > 0);
  const reasons = useMemo(() => {
    const found = new Map<string, number[]>();
    quality?.values.get("status")?.forEach((status, row) => {
      if (status === "ok") return;
      const reason = String(quality.values.get("cause")?.[row] ?? status);
      const key = status === reason ? String(status) : `${String(status)}: ${reason}`;
      const site = quality.sites[Math.floor(row / quality.channels)]!.index;
      const list = found.get(key) ?? [];
      if (list[list.length - 1] !== site) list.push(site);
      found.set(key, list);
    });
    return [...found];
  }, [quality]);
  const worst = dataset.plates.filter((plate) => (plate.missing ?? 0) + (plate.bad ?? 0) > 0);
  if (gaps.length === 0) return <p class="good">No image of the dataset is missing or bad.</p>;
  return (
    <>
      <p>
        In the dataset: {gaps.map(([status, number]) => `${count(number)} ${status}`).join(", ")}, of {count([...planes.values()].reduce((a, b) => a + b, 0))} images.
      </p>
      {quality && (
        <>
          <h3>Plate {plateName(quality.plate)}</h3>
          {reasons.length === 0 && <p class="hint">Nothing is missing here.</p>}
          <ul>
            {reasons.map(([reason, sites]) => (
              <li key={reason}>
                {reason}: {sites.slice(0, 20).map((site, at) => (
                  <>
                    {at > 0 && ", "}
                    <a key={site} href={address({ view: "site", site: String(site) })}>
                      {describeWell(quality, site)}
                    </a>
                  </>
                ))}
                {sites.length > 20 && ` and ${sites.length - 20} more sites`}
              </li>
            ))}
          </ul>
        </>
      )}
      {worst.length > 0 && (
        <div class="scroll short">
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">plate</th>
                <th scope="col">missing</th>
                <th scope="col">bad</th>
              </tr>
            </thead>
            <tbody>
              {worst.slice(0, 200).map((plate) => (
                <tr key={plate.first}>
                  <td>
                    <a href={address({ plate: plateName(plate) })}>{plateName(plate)}</a>
                  </td>
                  <td>{count(plate.missing ?? 0)}</td>
                  <td>{count(plate.bad ?? 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function describeWell(quality: PlateQuality, site: number): string {
  const found = quality.sites[site - quality.plate.first]!;
  return `${found.well} s${found.number}`;
}

function Worst({ dataset, quality, channel }: { dataset: Dataset; quality: PlateQuality; channel: number }) {
  const focus = ofChannel(quality, "focus", channel);
  const usual = median(focus.filter((value) => value !== undefined)) ?? 1;
  const order = quality.sites.map((site, at) => ({ site, at, focus: focus[at] })).filter((one) => one.focus !== undefined).sort((a, b) => a.focus! - b.focus!);
  const list = (control: boolean): typeof order => order.filter(({ at }) => quality.control[at] === control).slice(0, 24);
  const strip = (entries: typeof order) => (
    <div class="thumbs">
      {entries.map(({ site, focus: value }) => (
        <Thumb key={site.index} dataset={dataset} site={site.index} title={`${site.id}: focus ${short(value!)}`} caption={`${site.well} ${(value! / usual).toFixed(2)}`} size={72} only={channel} />
      ))}
    </div>
  );
  return (
    <>
      <p class="numbers">Below each image its focus, as a share of the plate's median. Few or dim cells lower it, too.</p>
      {list(false).length > 0 && strip(list(false))}
      {dataset.controls && list(true).length > 0 && (
        <>
          <h3>Negative controls</h3>
          {strip(list(true))}
        </>
      )}
    </>
  );
}

function Equal({ dataset, plate }: { dataset: Dataset; plate: Plate }) {
  const [asked, ask] = useState(false);
  const read = useAsync(async () => {
    if (!asked) return undefined;
    const [sites, planes] = await Promise.all([dataset.sites(plate), dataset.planes(plate, ["xxh3_128"])]);
    return equalPlanes(planes.get("xxh3_128") ?? [], sites, dataset.root.channels.length);
  }, [asked, plate]);
  if (!asked) return <button onClick={() => ask(true)}>Compare the hashes of plate {plateName(plate)}</button>;
  if (read.error) return <Failure text={read.error} />;
  if (!read.value) return <Waiting>Reading the hashes</Waiting>;
  if (read.value.length === 0) return <p class="good">No two images of plate {plateName(plate)} are equal.</p>;
  return (
    <ul class="flags">
      {read.value.slice(0, 50).map((group, at) => (
        <li key={at}>
          {many(group.length, "image")} with equal pixels (equal xxh3_128):
          <div class="thumbs">
            {group.map(({ site, channel }) => (
              <Thumb key={`${site} ${channel}`} dataset={dataset} site={site} title={`Open site ${site}`} caption={`site ${site} ${dataset.root.channels[channel]!.name}`} size={72} only={channel} />
            ))}
          </div>
        </li>
      ))}
    </ul>
  );
}
