/** Texts of the page have a contrast of at least 4.5 to 1, light and dark. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const LEAST = 4.5;
const PAIRS: [text: string, ground: string][] = [
  ...["ground", "card", "soft"].flatMap((ground): [string, string][] => [["ink", ground], ["muted", ground]]),
  ["accent", "ground"],
  ["accent", "card"],
  ["on-accent", "accent"],
  ["warn", "warn-ground"],
  ["bad", "bad-ground"],
  ["star", "card"],
];

/** The relative luminance of WCAG 2. */
function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

const css = readFileSync("src/style.css", "utf8");
const themes: [name: string, selector: string][] = [
  ["light", ":root {"],
  ["dark by preference", ':root:not([data-theme="light"]) {'],
  ["dark by choice", ':root[data-theme="dark"] {'],
];
for (const [name, selector] of themes) {
  test(`contrast, ${name}`, () => {
    const at = css.indexOf(selector);
    assert.ok(at >= 0, selector);
    const block = css.slice(at, css.indexOf("}", at));
    const colors = new Map([...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1]!, match[2]!]));
    for (const [text, ground] of PAIRS) {
      const found = contrast(colors.get(text)!, colors.get(ground)!);
      assert.ok(found >= LEAST, `${text} on ${ground}: ${found.toFixed(2)}`);
    }
  });
}
