/** A value of a column: its replicates beside negative controls, plate by plate. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Coded, compareCells } from "../data/column";
import type { Dataset, Site } from "../data/dataset";
import { type Plate, plateName } from "../data/plates";
import { label } from "../data/root";
import { change, looks, useParams } from "../state";
import { Choice, Failure, Thumb, Waiting, bytes, describe, many, short, useAsync } from "./parts";

/** Columns that tell where a site is; comparing by them says nothing. */
const PLACES = new Set(["site_id", "well_id", "site_number", "well", "plate"]);
const STATISTICS: [string, string][] = [["mean", "mean"], ["p50", "median"], ["p999", "p99.9"], ["std", "standard deviation"], ["focus", "focus"]];
const ROWS_AT_ONCE = 60;

/** The column that people compare by first. */
function likely(columns: string[]): string {
  for (const name of ["sirna", "treatment", "compound", "gene", "SMILES", "well_type"]) if (columns.includes(name)) return name;
  return columns.find((name) => !PLACES.has(name)) ?? columns[0]!;
}

export function CompareView({ dataset }: { dataset: Dataset }) {
  const now = useParams();
  const columns = dataset.columns;
  const by = columns.includes(now.get("by") ?? "") ? now.get("by")! : likely(columns);
  const value = now.get("value") ?? "";
  const group = now.get("group") === "experiment" ? "experiment" : "plate";
  const statistic = STATISTICS.find(([name]) => name === now.get("stat"))?.[0] ?? "mean";
  const [progress, setProgress] = useState(0);
  const column = useAsync(() => dataset.column(by, setProgress), [by]);
  const size = useAsync(async () => (await dataset.table("metadata.parquet")).sizeOf([by]), [by]);
  return (
    <div class="view compare">
      <div class="controls">
        <Choice
          name="Column"
          value={by}
          options={columns.filter((name) => !PLACES.has(name) || name === by).map((name): [string, string] => [name, dataset.root.longNames.get(name) || name])}
          onChange={(next) => change({ by: next, value: undefined })}
        />
        <ValueChoice column={column.value} value={value} />
        <Choice name="One row for each" value={group} options={["plate", "experiment"]} onChange={(next) => change({ group: next === "plate" ? undefined : next })} />
        <Choice name="z-scores of" value={statistic} options={STATISTICS} onChange={(next) => change({ stat: next === "mean" ? undefined : next })} />
      </div>
      {column.error && <Failure text={column.error} />}
      {column.loading && (
        <Waiting>
          Reading the column {by}
          {size.value === undefined ? "" : `, ${bytes(size.value)}`} {progress > 0 && `(${Math.round(progress * 100)} %)`}
        </Waiting>
      )}
      {column.value && value === "" && <p class="hint">Choose a value, to see all its sites beside negative controls of the same plates.</p>}
      {column.value && value !== "" && <Rows dataset={dataset} column={column.value} value={value} group={group} statistic={statistic} />}
    </div>
  );
}

function ValueChoice({ column, value }: { column: Coded | undefined; value: string }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const sorted = useMemo(() => column?.values.filter((one) => one !== null).sort(compareCells) ?? [], [column]);
  const choose = (text: string): void => change({ value: text }, "push");
  if (sorted.length > 0 && sorted.length <= 60) {
    return <Choice name="Value" value={value} options={[["", "choose"], ...sorted.map((one): [string, string] => [String(one), String(one)])]} onChange={choose} />;
  }
  return (
    <label class="choice">
      <span>Value{column ? ` (${many(sorted.length, "value")})` : ""}</span>
      <input list="values" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} onChange={(event) => choose(event.currentTarget.value)} />
      <datalist id="values">
        {sorted.filter((one) => typed === "" || String(one).toLowerCase().includes(typed.toLowerCase())).slice(0, 100).map((one) => (
          <option key={String(one)} value={String(one)} />
        ))}
      </datalist>
    </label>
  );
}

interface Row {
  key: string;
  plates: { plate: Plate; sites: number[] }[];
}

function Rows(props: { dataset: Dataset; column: Coded; value: string; group: "plate" | "experiment"; statistic: string }) {
  const { dataset, column, value, group } = props;
  const [most, setMost] = useState(ROWS_AT_ONCE);
  const rows = useMemo(() => {
    const codes = new Set(column.values.flatMap((one, code) => (one !== null && String(one) === value ? [code] : [])));
    const byPlate = new Map<Plate, number[]>();
    if (codes.size > 0) {
      let at = 0;
      for (let site = 0; site < column.codes.length; site++) {
        if (!codes.has(column.codes[site]!)) continue;
        while (site >= dataset.plates[at]!.first + dataset.plates[at]!.sites) at++;
        const plate = dataset.plates[at]!;
        const list = byPlate.get(plate);
        if (list) list.push(site);
        else byPlate.set(plate, [site]);
      }
    }
    const made = new Map<string, Row>();
    for (const [plate, sites] of byPlate) {
      const key = group === "plate" ? plateName(plate) : plate.experiment;
      const row = made.get(key);
      if (row) row.plates.push({ plate, sites });
      else made.set(key, { key, plates: [{ plate, sites }] });
    }
    return [...made.values()];
  }, [column, value, group, dataset]);
  const sites = rows.reduce((sum, row) => sum + row.plates.reduce((inner, one) => inner + one.sites.length, 0), 0);
  if (rows.length === 0) return <p class="notice">No site has this value.</p>;
  return (
    <>
      <p class="summary above">
        {many(sites, "site")} on {many(new Set(rows.flatMap((row) => row.plates.map(({ plate }) => plate))).size, "plate")}. All pictures have the same windows.{" "}
        {dataset.controls
          ? "The z-score of a plate is the mean of the sites, minus the mean of its negative controls, in standard deviations of these."
          : "The dataset does not say which wells are negative controls, so there is nothing to compare with (convert with --controls)."}
      </p>
      {rows.slice(0, most).map((row) => (
        <CompareRow key={row.key} row={row} {...props} />
      ))}
      {rows.length > most && <button onClick={() => setMost(most + ROWS_AT_ONCE)}>Show more ({rows.length - most} left)</button>}
    </>
  );
}

function CompareRow({ row, dataset, statistic }: { row: Row; dataset: Dataset; statistic: string }) {
  const holder = useRef<HTMLElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setSeen(true), { rootMargin: "200px" });
    observer.observe(holder.current!);
    return () => observer.disconnect();
  }, []);
  const read = useAsync(async () => {
    if (!seen) return undefined;
    return Promise.all(
      row.plates.map(async ({ plate, sites }) => {
        const all = await dataset.sites(plate);
        const chosen = new Set(sites);
        const treated = all.filter((site) => chosen.has(site.index));
        const others = all.filter((site) => dataset.isControl(site) && !chosen.has(site.index));
        const planes = await dataset.planes(plate, ["status", statistic]);
        return { plate, treated, controls: others, scores: scores(dataset, plate, treated, others, planes.get("status")!, planes.get(statistic)!) };
      }),
    );
  }, [seen, row, statistic]);
  return (
    <section class="card compare-row" ref={holder} aria-label={row.key}>
      <header>
        <h2>{row.key}</h2>
      </header>
      {read.error && <Failure text={read.error} />}
      {(read.loading || !read.value) && !read.error && <Waiting>Reading</Waiting>}
      {read.value?.map(({ plate, treated, controls, scores: z }) => {
        const beside = spread(controls, treated.length);
        return (
          <div class="pair" key={plate.first}>
            {row.plates.length > 1 && <h3>Plate {plate.plate}</h3>}
            <div class="sides">
              <div>
                <h4>{many(treated.length, "replicate")}</h4>
                <Strip dataset={dataset} sites={treated} />
              </div>
              {dataset.controls && (
                <div>
                  <h4>{beside.length === 0 ? "no other negative controls" : `${beside.length} of ${many(controls.length, "negative control")}`}</h4>
                  <Strip dataset={dataset} sites={beside} />
                </div>
              )}
            </div>
            {dataset.controls && controls.length > 1 && <Scores dataset={dataset} scores={z} />}
          </div>
        );
      })}
    </section>
  );
}

/** As many as `wanted`, evenly from all. */
function spread(sites: Site[], wanted: number): Site[] {
  const step = Math.max(1, sites.length / Math.max(1, wanted));
  return Array.from({ length: Math.min(wanted, sites.length) }, (_, at) => sites[Math.floor(at * step)]!);
}

function Strip({ dataset, sites }: { dataset: Dataset; sites: Site[] }) {
  const most = 24;
  return (
    <div class="thumbs">
      {sites.slice(0, most).map((site) => (
        <Thumb key={site.index} dataset={dataset} site={site.index} title={describe(site)} caption={`${site.well} s${site.number}`} size={88} />
      ))}
      {sites.length > most && <span class="hint">and {sites.length - most} more</span>}
    </div>
  );
}

/** For each channel the mean of the sites, in standard deviations of the controls around theirs. */
export function scores(dataset: Dataset, plate: Plate, treated: Site[], controls: Site[], status: unknown[], values: unknown[]): (number | undefined)[] {
  const channels = dataset.root.channels.length;
  const of = (sites: Site[], channel: number): number[] =>
    sites.flatMap((site) => {
      const row = (site.index - plate.first) * channels + channel;
      const value = values[row];
      return status[row] === "ok" && typeof value === "number" ? [value] : [];
    });
  return dataset.root.channels.map((_, channel) => {
    const [a, b] = [of(treated, channel), of(controls, channel)];
    if (a.length === 0 || b.length < 2) return undefined;
    const mean = (list: number[]): number => list.reduce((x, y) => x + y, 0) / list.length;
    const center = mean(b);
    const deviation = Math.sqrt(b.reduce((sum, one) => sum + (one - center) ** 2, 0) / (b.length - 1));
    return deviation > 0 ? (mean(a) - center) / deviation : undefined;
  });
}

function Scores({ dataset, scores: values }: { dataset: Dataset; scores: (number | undefined)[] }) {
  const now = useParams();
  const shown = new Set(looks(now, dataset.root).map(({ channel }) => channel));
  const reach = 5;
  return (
    <table class="scores">
      <tbody>
        <tr>
          {dataset.root.channels.map((channel, index) => (
            <th key={channel.name} scope="col" class={shown.has(index) ? "shown" : ""}>
              {label(channel)}
            </th>
          ))}
        </tr>
        <tr>
          {values.map((value, index) => {
            const part = value === undefined ? 0 : Math.max(-1, Math.min(1, value / reach));
            return (
              <td key={index}>
                <svg viewBox="-50 0 100 8" aria-hidden="true" preserveAspectRatio="none">
                  <line x1={0} x2={0} y1={0} y2={8} />
                  <rect x={part < 0 ? part * 50 : 0} width={Math.abs(part) * 50} y={1} height={6} class={Math.abs(value ?? 0) >= 3 ? "strong" : ""} />
                </svg>
                {value === undefined ? "-" : `${value > 0 ? "+" : value < 0 ? "−" : ""}${short(Math.abs(value))}`}
              </td>
            );
          })}
        </tr>
      </tbody>
    </table>
  );
}
