import type { Cell } from "../io/table";
import type { Rule } from "./root";

/** A rule, ready to be asked: for each column, one of its patterns must fit. */
export class Group {
  readonly columns: string[];
  private readonly clauses = new Map<string, ((cell: Cell) => boolean)[]>();

  /** Parses the clauses of a rule (docs/format.md, "Attributes"). */
  constructor(rule: Rule) {
    for (const clause of rule) {
      const at = clause.indexOf("=");
      const named = at < 0 ? "experiment" : clause.slice(0, at).trim();
      const pattern = (at < 0 ? clause : clause.slice(at + 1)).trim();
      const column = named === "site" ? "site_number" : named;
      const fits = this.clauses.get(column) ?? [];
      fits.push(fitting(column, pattern));
      this.clauses.set(column, fits);
    }
    this.columns = [...this.clauses.keys()];
  }

  has(cell: (column: string) => Cell): boolean {
    return this.columns.every((column) => this.clauses.get(column)!.some((fits) => fits(cell(column))));
  }
}

function fitting(column: string, pattern: string): (cell: Cell) => boolean {
  if (pattern === "") return (cell) => cell === null;
  if (column === "experiment" && !/[*?[{\\]/.test(pattern)) {
    const wanted = experimentKey(pattern);
    return (cell) => cell !== null && experimentKey(String(cell)) === wanted;
  }
  const glob = globExpression(pattern);
  return (cell) => cell !== null && glob.test(String(cell));
}

/** `HUVEC-01` and `HUVEC-1` are the same experiment. */
function experimentKey(name: string): string {
  return name.replace(/-0*([0-9]+)$/, "-$1");
}

/** Translates a glob into a regular expression. */
export function globExpression(pattern: string): RegExp {
  let source = "";
  let depth = 0;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (character === "\\" && at + 1 < pattern.length) source += escaped(pattern[++at]!);
    else if (character === "*") source += ".*";
    else if (character === "?") source += ".";
    else if (character === "{") {
      source += "(?:";
      depth++;
    } else if (character === "}" && depth > 0) {
      source += ")";
      depth--;
    } else if (character === "," && depth > 0) source += "|";
    else if (character === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) source += "\\[";
      else {
        const negated = pattern[at + 1] === "!";
        const inside = pattern.slice(at + (negated ? 2 : 1), end).replace(/[\\\]^[]/g, "\\$&");
        source += `[${negated ? "^" : ""}${inside}]`;
        at = end;
      }
    } else source += escaped(character);
  }
  return new RegExp(`^(?:${source}${")".repeat(depth)})$`, "su");
}

function escaped(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
