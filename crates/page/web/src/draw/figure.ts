/** Pictures to take away: sites at full resolution with legend, labels, scale bar and licence. */
import type { Samples } from "../data/pixels";
import { type Root, label } from "../data/root";
import { type Look, picture } from "./composite";

export interface Panel {
  planes: Samples[];
  /** Lines below the picture. */
  lines: string[];
}

const GAP = 12;
const MARGIN = 24;

/** Draws panels of one size in a grid. Pixels of the panels are not scaled. */
export function figure(root: Root, panels: Panel[], shown: Look[], title: string): HTMLCanvasElement {
  const [, , height, width] = root.shape;
  const text = Math.max(13, Math.round(Math.min(height, width) / 32));
  const across = Math.ceil(Math.sqrt(panels.length));
  const lines = Math.max(...panels.map((panel) => panel.lines.length));
  const cell = { width: width + GAP, height: height + lines * text * 1.35 + GAP };
  const down = Math.ceil(panels.length / across);
  const legend = shown.map((one) => `${label(root.channels[one.channel]!)}  ${one.start}\u2013${one.end}`);
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d")!;
  const font = (weight: string): string => `${weight} ${text}px system-ui, "DejaVu Sans", sans-serif`;
  pen.font = font("normal");
  const inner = Math.max(across * cell.width - GAP, Math.min(900, width * 2));
  const rows = wrapped(pen, legend, inner, text);
  const notes = [root.license, root.citation].filter((note) => note !== "").join(" · ");
  const licence = wrapText(pen, notes, inner);
  const bar = scaleBar(root.pixelSize, width);
  const head = text * 2.2;
  const foot = (rows.length + licence.length + (bar ? 1 : 0)) * text * 1.5 + text;
  canvas.width = Math.ceil(inner + 2 * MARGIN);
  canvas.height = Math.ceil(head + down * cell.height + foot + 2 * MARGIN);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.textBaseline = "top";
  pen.fillStyle = "#111";
  pen.font = font("bold");
  pen.fillText(title, MARGIN, MARGIN, inner);
  panels.forEach((panel, index) => {
    const x = MARGIN + (index % across) * cell.width;
    const y = Math.round(MARGIN + head + Math.floor(index / across) * cell.height);
    pen.putImageData(picture(panel.planes, shown, width, height), x, y);
    if (bar && index === 0) {
      pen.fillStyle = "#fff";
      pen.fillRect(x + width - bar.pixels - 12, y + height - 16, bar.pixels, 4);
    }
    pen.fillStyle = "#111";
    panel.lines.forEach((line, at) => {
      pen.font = font(at === 0 ? "bold" : "normal");
      pen.fillText(line, x, y + height + text * (0.3 + 1.35 * at), width);
    });
  });
  let y = MARGIN + head + down * cell.height + text * 0.6;
  pen.font = font("normal");
  for (const row of rows) {
    for (const { index, x } of row) {
      const color = shown.length === 1 ? [200, 200, 200] : shown[index]!.color;
      pen.fillStyle = `rgb(${color.join(" ")})`;
      pen.fillRect(MARGIN + x, y + text * 0.1, text, text);
      pen.strokeStyle = "#555";
      pen.lineWidth = 1;
      pen.strokeRect(MARGIN + x + 0.5, y + text * 0.1 + 0.5, text, text);
      pen.fillStyle = "#111";
      pen.fillText(legend[index]!, MARGIN + x + text * 1.4, y);
    }
    y += text * 1.5;
  }
  if (bar) {
    pen.fillText(`Scale bar: ${bar.length} µm`, MARGIN, y);
    y += text * 1.5;
  }
  pen.fillStyle = "#444";
  for (const line of licence) {
    pen.fillText(line, MARGIN, y, inner);
    y += text * 1.5;
  }
  return canvas;
}

/** A round length in micrometres, about a fifth of the picture. */
function scaleBar(size: number | undefined, width: number): { length: number; pixels: number } | undefined {
  if (size === undefined) return undefined;
  const wanted = (width * size) / 5;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const length = [5, 2, 1].map((step) => step * power).find((step) => step <= wanted)!;
  return { length, pixels: Math.round(length / size) };
}

function wrapped(pen: CanvasRenderingContext2D, entries: string[], width: number, text: number): { index: number; x: number }[][] {
  const rows: { index: number; x: number }[][] = [[]];
  let x = 0;
  entries.forEach((entry, index) => {
    const wide = pen.measureText(entry).width + text * 3;
    if (x > 0 && x + wide > width) {
      rows.push([]);
      x = 0;
    }
    rows[rows.length - 1]!.push({ index, x });
    x += wide;
  });
  return rows;
}

function wrapText(pen: CanvasRenderingContext2D, content: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of content.split(/\s+/).filter((part) => part !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && pen.measureText(longer).width > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return line === "" ? lines : [...lines, line];
}

export function toPng(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large for this browser."))), "image/png"),
  );
}
