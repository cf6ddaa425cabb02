/** Parts that several views use. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Dataset, Site } from "../data/dataset";
import type { Pixels, Samples } from "../data/pixels";
import { label } from "../data/root";
import { type Look, picture } from "../draw/composite";
import { type Plate, plateName } from "../data/plates";
import { address, change, look, looks, picks, setPicks, shownChannels, useParams } from "../state";

/** What a promise came to so far. */
export interface Async<T> {
  value: T | undefined;
  error: string | undefined;
  loading: boolean;
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The plate that the fragment names, or the first one. */
export function chosenPlate(dataset: Dataset, name: string | null): Plate {
  return dataset.plates.find((plate) => plateName(plate) === name) ?? dataset.plates[0]!;
}

/** Runs `make` whenever `keys` change, and tells what it came to. */
export function useAsync<T>(make: () => Promise<T>, keys: unknown[]): Async<T> {
  const [state, set] = useState<Async<T>>({ value: undefined, error: undefined, loading: true });
  useEffect(() => {
    let current = true;
    set({ value: undefined, error: undefined, loading: true });
    make().then(
      (value) => current && set({ value, error: undefined, loading: false }),
      (error) => current && set({ value: undefined, error: message(error), loading: false }),
    );
    return () => {
      current = false;
    };
  }, keys);
  return state;
}

export function Failure({ text }: { text: string }) {
  return (
    <p class="failure" role="alert">
      {text}
    </p>
  );
}

export function Waiting({ children }: { children: ComponentChildren }) {
  return (
    <p class="waiting" role="status">
      <span class="spinner" aria-hidden="true" /> {children}
    </p>
  );
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1e6) return `${(size / 1e3).toFixed(0)} kB`;
  return `${(size / 1e6).toFixed(size < 1e7 ? 1 : 0)} MB`;
}

export const count = (number: number): string => number.toLocaleString("en-US").replaceAll(",", "\u2009");
export const many = (number: number, noun: string): string => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** A number with three or four digits. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(1);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(size < 1 ? 3 : 2);
}

/** A menu with a label. */
export function Choice(props: {
  name: string;
  value: string;
  options: (string | [value: string, text: string])[];
  onChange: (value: string) => void;
}) {
  return (
    <label class="choice">
      <span>{props.name}</span>
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {props.options.map((option) => {
          const [value, text] = typeof option === "string" ? [option, option] : option;
          return (
            <option key={value} value={value} selected={value === props.value}>
              {text}
            </option>
          );
        })}
      </select>
    </label>
  );
}

/** Channels: which are shown, in which colour and window. */
export function ChannelPanel({ dataset }: { dataset: Dataset }) {
  const now = useParams();
  const { root } = dataset;
  const shown = shownChannels(now, root);
  const [fitting, setFitting] = useState<string>();
  const fit = async (): Promise<void> => {
    setFitting("Reading planes.parquet");
    try {
      const site = now.get("view") === "site" ? Number(now.get("site")) : undefined;
      const plate = site === undefined ? chosenPlate(dataset, now.get("plate")) : dataset.plateOf(site);
      const windows = await dataset.windows(plate, site);
      change(Object.fromEntries(windows.map((window, index) => [`${root.channels[index]!.name}.window`, window && `${window[0]}-${window[1]}`])));
      setFitting(undefined);
    } catch (error) {
      setFitting(message(error));
    }
  };
  const changed = root.channels.some(({ name }) => now.has(`${name}.window`) || now.has(`${name}.color`)) || now.has("on");
  return (
    <section class="panel channels" aria-label="Channels">
      <h2>
        Channels
        <span>
        <button class="quiet" title={now.get("view") === "site" ? "Windows that fit the images of this site" : "Windows that fit the images of this plate"} onClick={() => void fit()}>
          Fit
        </button>
        {changed && (
          <button
            class="quiet"
            onClick={() =>
              change(
                Object.fromEntries([
                  ["on", undefined],
                  ...root.channels.flatMap(({ name }) => [
                    [`${name}.window`, undefined],
                    [`${name}.color`, undefined],
                  ]),
                ]),
              )
            }
          >
            Reset
          </button>
        )}
        </span>
      </h2>
      {fitting && <p class="hint">{fitting}</p>}
      {root.channels.map((channel, index) => {
        const { color, start, end } = look(now, root, index);
        const hex = `#${color.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
        const on = shown.includes(index);
        const toggle = (): void => {
          const next = on ? shown.filter((one) => one !== index) : [...shown, index].sort((a, b) => a - b);
          change({ on: next.length === 0 ? "none" : next.map((one) => root.channels[one]!.name).join(",") });
        };
        const setWindow = (from: number, to: number): void => {
          if (Number.isFinite(from) && Number.isFinite(to)) {
            const low = Math.max(0, Math.min(Math.round(from), channel.window.max - 1));
            const high = Math.max(low + 1, Math.min(Math.round(to), channel.window.max));
            change({ [`${channel.name}.window`]: `${low}-${high}` });
          }
        };
        const most = Math.min(channel.window.max, Math.max(channel.window.end * 2, end));
        return (
          <div class={on ? "channel on" : "channel"} key={channel.name}>
            <div class="line">
              <label class="name" title={channel.structure ? `shows ${channel.structure}` : ""}>
                <input type="checkbox" checked={on} onChange={toggle} />
                <span>
                  <b>{channel.name}</b> {channel.stain}
                </span>
              </label>
              <input
                type="color"
                aria-label={`Colour of ${label(channel)}`}
                value={hex}
                onChange={(event) =>
                  change({ [`${channel.name}.color`]: event.currentTarget.value.slice(1).toUpperCase() })
                }
              />
            </div>
            {on && (
              <div class="window">
                <input
                  type="number"
                  aria-label={`${label(channel)}: black at`}
                  min={0}
                  max={channel.window.max}
                  value={start}
                  onChange={(event) => setWindow(event.currentTarget.valueAsNumber, end)}
                />
                <input
                  type="range"
                  aria-label={`${label(channel)}: full brightness at`}
                  min={start + 1}
                  max={most}
                  value={end}
                  onInput={(event) => setWindow(start, event.currentTarget.valueAsNumber)}
                />
                <input
                  type="number"
                  aria-label={`${label(channel)}: full brightness at, as a number`}
                  min={0}
                  max={channel.window.max}
                  value={end}
                  onChange={(event) => setWindow(start, event.currentTarget.valueAsNumber)}
                />
              </div>
            )}
          </div>
        );
      })}
      {shown.length === 1 && <p class="hint">One channel is shown in grey.</p>}
      {shown.length === 0 && <p class="hint">No channel is chosen.</p>}
    </section>
  );
}

/** Reads the planes of a site that `looks` show. */
export function planesOf(pixels: Pixels, site: number, shown: Look[]): Promise<Samples[]> {
  return Promise.all(shown.map(({ channel }) => pixels.plane(site, channel)));
}

/** The overview of a site, read when it comes into view. */
export function Thumb(props: {
  dataset: Dataset;
  site: number;
  title: string;
  caption?: ComponentChildren;
  size?: number;
  frame?: string;
  only?: number;
}) {
  const { dataset, site } = props;
  const now = useParams();
  const canvas = useRef<HTMLCanvasElement>(null);
  const holder = useRef<HTMLAnchorElement>(null);
  const [seen, setSeen] = useState(false);
  const shown = props.only === undefined ? looks(now, dataset.root) : [look(now, dataset.root, props.only)];
  const key = JSON.stringify(shown);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    });
    observer.observe(holder.current!);
    return () => observer.disconnect();
  }, []);
  const pixels = dataset.overview;
  const read = useAsync(
    async () => (seen && pixels ? planesOf(pixels, site, shown) : undefined),
    [seen, site, key, pixels],
  );
  useEffect(() => {
    if (read.value && pixels && canvas.current) {
      canvas.current.getContext("2d")!.putImageData(picture(read.value, shown, pixels.width, pixels.height), 0, 0);
      canvas.current.dataset.drawn = key;
    }
  }, [read.value]);
  const size = props.size ?? 72;
  return (
    <a
      class="thumb"
      ref={holder}
      href={address({ view: "site", site: String(site) })}
      title={props.title}
      style={{ width: `${size}px` }}
    >
      <span class="picture" style={{ borderColor: props.frame ?? "transparent" }}>
        {pixels ? (
          <canvas ref={canvas} width={pixels.width} height={pixels.height} aria-label={props.title} role="img" />
        ) : (
          <span class="blank">no overview</span>
        )}
      </span>
      {props.caption !== undefined && <span class="caption">{props.caption}</span>}
    </a>
  );
}

/** Stars or unstars a site. */
export function Star({ site, name }: { site: number; name: string }) {
  const list = picks(useParams());
  const on = list.some((pick) => pick.site === site);
  return (
    <button
      class={on ? "star on" : "star"}
      aria-pressed={on}
      aria-label={`${on ? "Remove" : "Pick"} ${name}`}
      title={on ? "Remove from the picks" : "Pick this site"}
      onClick={() => setPicks(on ? list.filter((pick) => pick.site !== site) : [...list, { site, note: "" }])}
    >
      {on ? "★" : "☆"}
    </button>
  );
}

/** What a site is, in one line. */
export function describe(site: Site): string {
  const known = ["sirna", "treatment", "compound", "disease_condition", "well_type"]
    .map((name) => site.cells.get(name))
    .filter((cell) => cell !== undefined && cell !== null && cell !== "");
  return [`${site.well} site ${site.number}`, ...known.map(String)].join(" · ");
}

/** A section with a heading. */
export function Card({ title, children, aside }: { title: string; children: ComponentChildren; aside?: ComponentChildren }) {
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** A button that copies text. */
export function Copy({ text, children }: { text: string; children: ComponentChildren }) {
  const [done, set] = useState(false);
  const copy: JSX.MouseEventHandler<HTMLButtonElement> = () => {
    const tell = (): void => {
      set(true);
      setTimeout(() => set(false), 1500);
    };
    if (navigator.clipboard) void navigator.clipboard.writeText(text).then(tell);
    else if (copySelected(text)) tell(); // pages on plain HTTP have no clipboard
  };
  return (
    <button onClick={copy}>
      {done ? "Copied" : children}
    </button>
  );
}

function copySelected(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/** Lets the browser save a file. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Width of an element, as it changes. */
export function useWidth<T extends HTMLElement>(): [preact.RefObject<T>, number] {
  const element = useRef<T>(null);
  const [width, set] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => set(Math.floor(entry!.contentRect.width)));
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}
