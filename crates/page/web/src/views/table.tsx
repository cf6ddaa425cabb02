/** All sites as a table: filter and sort by any column. */
import { useMemo, useState } from "preact/hooks";
import { type Coded, compareCells, isNumeric, ranks } from "../data/column";
import type { Dataset } from "../data/dataset";
import type { Cell } from "../io/table";
import { change, useParams } from "../state";
import { Choice, Failure, Star, Thumb, Waiting, bytes, count, many, useAsync } from "./parts";

const PAGE = 50;
const OPERATORS: [string, string][] = [["is", "is"], ["not", "is not"], ["has", "contains"], ["ge", "at least"], ["le", "at most"], ["blank", "is blank"]];

interface Filter {
  column: string;
  operator: string;
  value: string;
}

/** Filters in the fragment: `column~operator~value`, one behind the other with `;`. */
function parseFilters(text: string, columns: string[]): Filter[] {
  return text.split(";").flatMap((one) => {
    const [column, operator, value] = one.split("~").map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
    return column !== undefined && columns.includes(column) && OPERATORS.some(([name]) => name === operator)
      ? [{ column, operator: operator!, value: value ?? "" }]
      : [];
  });
}

function printFilters(filters: Filter[]): string {
  return filters.map(({ column, operator, value }) => [column, operator, value].map((part) => encodeURIComponent(part).replaceAll("~", "%7E")).join("~")).join(";");
}

function passes(cell: Cell, { operator, value }: Filter): boolean {
  if (operator === "blank") return cell === null;
  if (cell === null) return operator === "not";
  if (operator === "is") return String(cell) === value;
  if (operator === "not") return String(cell) !== value;
  if (operator === "has") return String(cell).toLowerCase().includes(value.toLowerCase());
  const other = typeof cell === "number" ? Number(value) : value;
  return operator === "ge" ? compareCells(cell, other) >= 0 : compareCells(cell, other) <= 0;
}

export function TableView({ dataset }: { dataset: Dataset }) {
  const now = useParams();
  const { columns, root } = dataset;
  const large = root.shape[0] > 400_000;
  const chosen = now.get("cols")?.split(",").filter((name) => columns.includes(name));
  const first = columns.filter((name) => !(large && name.endsWith("_id"))).slice(0, large ? 5 : 11);
  const filters = parseFilters(now.get("filter") ?? "", columns);
  const [sort, descending] = ((text) => [text.replace(/^-/, ""), text.startsWith("-")] as const)(now.get("sort") ?? "");
  // What is filtered and sorted by is shown, too.
  const used = [...filters.map(({ column }) => column), ...(columns.includes(sort) ? [sort] : [])];
  const shown = [...new Set([...(chosen && chosen.length > 0 ? chosen : first), ...used])];
  const size = useAsync(async () => (await dataset.table("metadata.parquet")).sizeOf(shown), [shown.join("\n")]);
  const data = useAsync(async () => new Map(await Promise.all(shown.map(async (name) => [name, await dataset.column(name)] as const))), [shown.join("\n")]);
  const [page, setPage] = useState(0);
  const key = `${now.get("filter") ?? ""} ${now.get("sort") ?? ""}`;
  const rows = useMemo(() => {
    if (!data.value || filters.some(({ column }) => !data.value!.has(column))) return undefined;
    setPage(0);
    return choose(root.shape[0], filters, data.value, data.value.has(sort) ? sort : undefined, descending);
  }, [data.value, key]);
  const counted = shown.includes(now.get("count") ?? "") ? now.get("count")! : "";
  const setFilters = (list: Filter[]): void => change({ filter: printFilters(list) });
  const pages = rows ? Math.max(1, Math.ceil(rows.length / PAGE)) : 1;
  return (
    <div class="view table">
      <div class="controls">
        {filters.map((filter, at) => (
          <FilterLine
            key={at}
            columns={columns}
            filter={filter}
            known={data.value?.get(filter.column)}
            onChange={(next) => setFilters(filters.flatMap((one, index) => (index === at ? (next ? [next] : []) : [one])))}
          />
        ))}
        <button onClick={() => setFilters([...filters, { column: columns.find((name) => name === "well_type" || name === "sirna") ?? columns[0]!, operator: "has", value: "" }])}>+ Filter</button>
        <Choice name="Count by" value={counted} options={[["", "nothing"], ...shown.map((name): [string, string] => [name, name])]} onChange={(next) => change({ count: next })} />
        <details class="columns-menu">
          <summary class="button">Columns</summary>
          <div>
            {columns.map((name) => (
              <label key={name}>
                <input
                  type="checkbox"
                  checked={shown.includes(name)}
                  onChange={() => change({ cols: columns.filter((one) => (one === name ? !shown.includes(name) : shown.includes(one))).join(",") })}
                />{" "}
                {name}
              </label>
            ))}
          </div>
        </details>
      </div>
      {data.error && <Failure text={data.error} />}
      {data.loading && <Waiting>Reading {many(shown.length, "column")}{size.value === undefined ? "" : `, ${bytes(size.value)}`}</Waiting>}
      {rows && data.value && (
        <>
          <div class="row between">
            <strong id="rows">{rows.length === root.shape[0] ? many(rows.length, "site") : `${count(rows.length)} of ${many(root.shape[0], "site")}`}</strong>
            <span class="steps">
              <button aria-label="Previous rows" disabled={page === 0} onClick={() => setPage(page - 1)}>
                ‹
              </button>
              <button aria-label="Next rows" disabled={page >= pages - 1} onClick={() => setPage(page + 1)}>
                ›
              </button>
            </span>
          </div>
          {counted && data.value.has(counted) && <Counts rows={rows} column={data.value.get(counted)!} name={counted} onChoose={(value) => setFilters([...filters, { column: counted, operator: value === null ? "blank" : "is", value: value === null ? "" : String(value) }])} />}
          <div class="scroll card flush">
            <table class="rows">
              <thead>
                <tr>
                  <th />
                  <th scope="col">image</th>
                  {shown.map((name) => (
                    <th key={name} scope="col" aria-sort={sort === name ? (descending ? "descending" : "ascending") : undefined}>
                      <button class="quiet" title={root.longNames.get(name) ?? ""} onClick={() => change({ sort: sort !== name ? name : descending ? undefined : `-${name}` })}>
                        {name}
                        {sort === name ? (descending ? " ▾" : " ▴") : ""}
                      </button>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {Array.from(rows.subarray(page * PAGE, (page + 1) * PAGE), (site) => (
                  <tr key={site}>
                    <td>
                      <Star site={site} name={`site ${site}`} />
                    </td>
                    <td>
                      <Thumb dataset={dataset} site={site} title={`Open site ${site}`} size={52} />
                    </td>
                    {shown.map((name) => {
                      const column = data.value!.get(name);
                      const cell = column ? column.values[column.codes[site]!]! : null;
                      return <td key={name} title={cell === null || cell === undefined ? "" : String(cell)}>{cell === null || cell === undefined ? <span class="none">blank</span> : String(cell)}</td>;
                    })}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p class="hint">
            Rows {count(rows.length === 0 ? 0 : page * PAGE + 1)} to {count(Math.min(rows.length, (page + 1) * PAGE))} of {count(rows.length)}.
          </p>
        </>
      )}
    </div>
  );
}

/** Chooses and orders rows by the codes of the columns: each value is looked at once. */
function choose(sites: number, filters: Filter[], data: Map<string, Coded>, sort: string | undefined, descending: boolean): Int32Array {
  const tests = filters.map((filter) => {
    const { codes, values } = data.get(filter.column)!;
    return { codes, passing: Uint8Array.from(values, (value) => (passes(value, filter) ? 1 : 0)) };
  });
  const found = new Int32Array(sites);
  let length = 0;
  for (let site = 0; site < sites; site++) {
    if (tests.every(({ codes, passing }) => passing[codes[site]!] === 1)) found[length++] = site;
  }
  const rows = found.slice(0, length);
  if (sort !== undefined) {
    const column = data.get(sort)!;
    const rank = ranks(column);
    const order = (site: number): number => {
      const code = column.codes[site]!;
      const own = rank[code]!;
      return column.values[code] === null ? Infinity : descending ? -own : own;
    };
    const keys = Float64Array.from({ length: sites }, (_, site) => order(site));
    rows.sort((a, b) => (keys[a] === keys[b] ? a - b : keys[a]! < keys[b]! ? -1 : 1));
  }
  return rows;
}

function FilterLine(props: { columns: string[]; filter: Filter; known: Coded | undefined; onChange: (next: Filter | undefined) => void }) {
  const { columns, filter, known, onChange } = props;
  const few = known && known.values.length <= 60 && !isNumeric(known);
  return (
    <span class="filter">
      <Choice name="Filter" value={filter.column} options={columns} onChange={(column) => onChange({ ...filter, column, value: "" })} />
      <Choice name="" value={filter.operator} options={OPERATORS} onChange={(operator) => onChange({ ...filter, operator })} />
      {filter.operator !== "blank" && (
        <label class="choice">
          <span />
          <input aria-label={`${filter.column}: value`} value={filter.value} list={few ? `values of ${filter.column}` : undefined} onInput={(event) => onChange({ ...filter, value: event.currentTarget.value })} />
          {few && (
            <datalist id={`values of ${filter.column}`}>
              {known.values.filter((value) => value !== null).map((value) => (
                <option key={String(value)} value={String(value)} />
              ))}
            </datalist>
          )}
        </label>
      )}
      <button aria-label="Remove the filter" onClick={() => onChange(undefined)}>
        ×
      </button>
    </span>
  );
}

/** How often each value occurs. */
function Counts({ rows, column, name, onChoose }: { rows: Int32Array; column: Coded; name: string; onChoose: (value: Cell) => void }) {
  const counts = useMemo(() => {
    const found = new Float64Array(column.values.length);
    for (const row of rows) found[column.codes[row]!]!++;
    return [...found.keys()].filter((code) => found[code]! > 0).sort((a, b) => found[b]! - found[a]!).map((code) => [column.values[code]!, found[code]!] as const);
  }, [rows, column]);
  const most = counts[0]?.[1] ?? 1;
  return (
    <div class="card counts">
      <h2>
        {many(counts.length, "value")} of {name}
      </h2>
      <ul>
        {counts.slice(0, 30).map(([value, number]) => (
          <li key={String(value)}>
            <button class="quiet" onClick={() => onChoose(value)} title="Filter by this value">
              {value === null ? "blank" : String(value)}
            </button>
            <span class="bar">
              <i style={{ width: `${(100 * number) / most}%` }} />
            </span>
            <span class="numbers">{count(number)}</span>
          </li>
        ))}
      </ul>
      {counts.length > 30 && <p class="hint">The 30 most frequent are shown.</p>}
    </div>
  );
}
