/** Starred sites, their notes, and figures of them. */
import { useState } from "preact/hooks";
import { parseCsv, printCsv } from "../data/csv";
import type { Dataset } from "../data/dataset";
import { plateName } from "../data/plates";
import { figure, toPng } from "../draw/figure";
import { looks, picks, setPicks, useParams } from "../state";
import { Failure, Star, Thumb, Waiting, describe, many, message, planesOf, save, useAsync } from "./parts";

/** Pixels of the largest figure that browsers draw. */
const MOST_PIXELS = 120e6;

export function PicksView({ dataset }: { dataset: Dataset }) {
  const now = useParams();
  const list = picks(now).filter(({ site }) => site < dataset.root.shape[0]);
  const shown = looks(now, dataset.root);
  const [doing, setDoing] = useState<string>();
  const [error, setError] = useState<string>();
  const sites = useAsync(() => Promise.all(list.map(({ site }) => dataset.site(site))), [list.map(({ site }) => site).join()]);
  const ready = sites.value?.length === list.length ? sites.value : undefined;

  const run = async (text: string, action: () => Promise<void>): Promise<void> => {
    setError(undefined);
    setDoing(text);
    try {
      await action();
    } catch (failure) {
      setError(message(failure));
    }
    setDoing(undefined);
  };
  const download = (): void => {
    const rows = list.map(({ note }, at): [string, string] => [ready![at]!.id, note]);
    save("picks.csv", new Blob([printCsv(rows)], { type: "text/csv" }));
  };
  const load = (file: File): Promise<void> =>
    run("Reading picks", async () => {
      const wanted = parseCsv(await file.text());
      const column = await dataset.column("site_id", (part) => setDoing(`Looking for the sites: ${Math.round(part * 100)} %`));
      const place = new Map<string, number>();
      const asked = new Set(wanted.map(({ id }) => id));
      column.codes.forEach((code, site) => {
        const id = String(column.values[code]);
        if (asked.has(id)) place.set(id, site);
      });
      const merged = new Map(list.map((pick) => [pick.site, pick]));
      for (const { id, note } of wanted) {
        const site = place.get(id);
        if (site !== undefined) merged.set(site, { site, note: note.slice(0, 500) });
      }
      setPicks([...merged.values()]);
      const unknown = wanted.filter(({ id }) => !place.has(id));
      if (unknown.length > 0) {
        throw new Error(`${many(unknown.length, "site")} of ${file.name} ${unknown.length === 1 ? "is" : "are"} not in this dataset, such as ${unknown[0]!.id}`);
      }
    });
  const contact = (): Promise<void> =>
    run("Reading the images", async () => {
      const [, , height, width] = dataset.root.shape;
      if (list.length * height * width > MOST_PIXELS) {
        throw new Error(`A picture of ${list.length} sites at full resolution is too large for a browser. Pick at most ${Math.floor(MOST_PIXELS / height / width)}.`);
      }
      const panels = [];
      for (const [at, { site, note }] of list.entries()) {
        setDoing(`Reading image ${at + 1} of ${list.length}`);
        panels.push({ planes: await planesOf(dataset.images, site, shown), lines: [ready![at]!.id, describe(ready![at]!), ...(note ? [note] : [])] });
      }
      save("picks.png", await toPng(figure(dataset.root, panels, shown, dataset.root.title)));
    });
  return (
    <div class="view picks">
      <div class="controls">
        <button class="main" disabled={!ready || list.length === 0} onClick={download}>
          Download picks.csv
        </button>
        <label class="button">
          Load picks.csv
          <input
            class="file"
            type="file"
            accept=".csv,text/csv"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file) void load(file);
              event.currentTarget.value = "";
            }}
          />
        </label>
        <button disabled={!ready || list.length === 0 || shown.length === 0} onClick={() => void contact()}>
          Save figure of all
        </button>
        {list.length > 0 && <button onClick={() => setPicks([])}>Remove all</button>}
        {doing && <span role="status">{doing}</span>}
      </div>
      {error && <Failure text={error} />}
      {list.length === 0 && (
        <p class="hint">
          Nothing is picked yet. Click the star of a site. Picks and notes are part of the address of this page, so a link keeps them; picks.csv can
          be given to <code>--sites</code> of <code>rxrx2zarr copy</code> and <code>export</code>.
        </p>
      )}
      {sites.error && <Failure text={sites.error} />}
      {list.length > 0 && !ready && !sites.error && <Waiting>Reading the sites</Waiting>}
      <ul class="pick-list">
        {ready?.map((site, at) => (
          <li class="card" key={site.index}>
            <Thumb dataset={dataset} site={site.index} title={site.id} size={132} />
            <div>
              <h2>
                <Star site={site.index} name={site.id} /> {site.id}
              </h2>
              <p class="numbers">
                Plate {plateName(dataset.plateOf(site.index))} · {describe(site)}
              </p>
              <input
                aria-label={`Note on ${site.id}`}
                placeholder="Note"
                maxLength={500}
                value={list[at]!.note}
                onChange={(event) => setPicks(list.map((one, index) => (index === at ? { ...one, note: event.currentTarget.value } : one)))}
              />
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}
