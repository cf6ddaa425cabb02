/** What the root metadata of a dataset say, checked: nothing from the data is trusted. */

export interface Window {
  start: number;
  end: number;
  min: number;
  max: number;
}

export interface Channel {
  name: string;
  stain: string;
  structure: string;
  color: string;
  window: Window;
}

/** A clause `column=pattern` of a rule that tells a group of rows. */
export type Rule = string[];

export interface Root {
  title: string;
  summary: string;
  generator: string;
  license: string;
  licenseText: string;
  citation: string;
  url: string;
  draft: boolean;
  channels: Channel[];
  negativeControls: Rule | undefined;
  longNames: Map<string, string>;
  pixelSize: number | undefined;
  codec: string;
  planes: Map<string, number>;
  embeddings: number | undefined;
  /** (site, channel, y, x) */
  shape: [number, number, number, number];
  bits: 8 | 16;
  /** Metadata of the arrays by their names. */
  arrays: Map<string, unknown>;
}

/** Colours for channels of which nothing is known. */
const FALLBACK = ["1F6BFF", "2AFF1F", "FF2A3C", "FFD21F", "FA00FD", "2DFFFC"];

type Json = Record<string, unknown>;

const object = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown, otherwise: number): number =>
  typeof value === "number" && Number.isFinite(value) ? value : otherwise;

/** Parses an attribute that is JSON text. */
function nested(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** Parses `images.zarr/zarr.json`. Throws, in words for people, if the page cannot show it. */
export function parseRoot(bytes: Uint8Array): Root {
  let json: Json;
  try {
    json = object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    throw new Error("images.zarr/zarr.json is not JSON. Is the dataset damaged?");
  }
  if ("switch" in json && !("zarr_format" in json)) {
    throw new Error("The dataset is being replaced just now. Open the page again in some minutes.");
  }
  const attributes = object(json.attributes);
  const version = attributes.format_version;
  if (version !== 4) {
    throw new Error(`The dataset has format ${String(version ?? "3")}; this page reads format 4.`);
  }
  const arrays = new Map(Object.entries(object(object(json.consolidated_metadata).metadata)));
  const images = object(arrays.get("images"));
  const shape = Array.isArray(images.shape) ? images.shape.map((size) => number(size, 0)) : [];
  const bits = images.data_type === "uint8" ? 8 : images.data_type === "uint16" ? 16 : undefined;
  if (shape.length !== 4 || shape.some((size) => size < 1) || bits === undefined) {
    throw new Error("images.zarr/zarr.json has no metadata of the images. Is the dataset damaged?");
  }
  const [sites, count, height, width] = shape as [number, number, number, number];
  const most = bits === 8 ? 255 : 65535;
  const list = nested(attributes.channels);
  const described = Array.isArray(list) ? list.map(object) : [];
  const plain = described.every((channel) => text(channel.color).toUpperCase() === "FFFFFF");
  const channels = Array.from({ length: count }, (_, index): Channel => {
    const one = object(described[index]);
    const window = object(one.window);
    const start = number(window.start, 0);
    const color = text(one.color).toUpperCase();
    return {
      name: text(one.name) || `w${index + 1}`,
      stain: text(one.stain),
      structure: text(one.structure),
      color: plain || !/^[0-9A-F]{6}$/.test(color) ? FALLBACK[index % FALLBACK.length]! : color,
      window: { start, end: Math.max(start + 1, number(window.end, most)), min: 0, max: most },
    };
  });
  const settings = object(nested(attributes.settings));
  const rows = object(nested(attributes.rows));
  const rule = rows.negative_controls;
  const size = settings.pixel_size;
  return {
    title: text(attributes.title) || "Dataset",
    summary: text(attributes.summary),
    generator: text(attributes.generator),
    license: text(attributes.license),
    licenseText: text(attributes.license_text),
    citation: text(attributes.citation),
    url: text(attributes.url),
    draft: attributes.format_draft === 1,
    channels,
    negativeControls: Array.isArray(rule) && rule.length > 0 ? rule.map(String) : undefined,
    longNames: new Map(
      Object.entries(object(nested(attributes.columns))).map(([name, about]) => [name, text(object(about).long_name)]),
    ),
    pixelSize: typeof size === "number" && size > 0 && size <= 1000 ? size : undefined,
    codec: text(settings.codec),
    planes: new Map(
      Object.entries(object(nested(attributes.planes))).map(([status, planes]) => [status, number(planes, 0)]),
    ),
    embeddings: (() => {
      const length = object(nested(attributes.embeddings)).length;
      return typeof length === "number" && length > 0 ? length : undefined;
    })(),
    shape: [sites, count, height, width],
    bits,
    arrays,
  };
}

/** Name of a channel for people: `w1 Hoechst`. */
export function label(channel: Channel): string {
  return channel.stain ? `${channel.name} ${channel.stain}` : channel.name;
}
