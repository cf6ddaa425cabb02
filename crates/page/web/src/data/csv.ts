/** `picks.csv`: the columns `site_id` and `note`, as `--sites` of the program takes it. */

export function printCsv(rows: [id: string, note: string][]): string {
  return ["site_id,note", ...rows.map((row) => row.map(cell).join(","))].join("\n") + "\n";
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Reads rows of a CSV file with a header that has `site_id`, and perhaps `note`. */
export function parseCsv(text: string): { id: string; note: string }[] {
  const rows = cells(text.replace(/^\ufeff/, ""));
  const header = rows[0]?.map((name) => name.trim()) ?? [];
  const id = header.indexOf("site_id");
  const note = header.indexOf("note");
  if (id < 0) throw new Error("The file has no column site_id. The first line must name the columns: site_id,note");
  return rows.slice(1).filter((row) => (row[id] ?? "") !== "").map((row) => ({ id: row[id]!, note: note < 0 ? "" : (row[note] ?? "") }));
}

function cells(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let one = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (quoted) {
      if (character === '"' && text[at + 1] === '"') {
        one += '"';
        at++;
      } else if (character === '"') quoted = false;
      else one += character;
    } else if (character === '"' && one === "") quoted = true;
    else if (character === ",") {
      row.push(one);
      one = "";
    } else if (character === "\n" || character === "\r") {
      if (character === "\r" && text[at + 1] === "\n") at++;
      rows.push([...row, one]);
      row = [];
      one = "";
    } else one += character;
  }
  if (one !== "" || row.length > 0) rows.push([...row, one]);
  return rows.filter((cellsOfRow) => cellsOfRow.some((content) => content !== ""));
}
