/** Lines of code that read a site, to be copied. Texts from the data are quoted. */

/** A text of Python: JSON's is one, with all beyond ASCII escaped. */
export function pythonText(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A text of SQL. Control characters are left out, so that it stays one line. */
export function sqlText(text: string): string {
  return `'${text.replace(/[\u0000-\u001f\u007f]/g, "").replaceAll("'", "''")}'`;
}

export function pythonLines(base: string, site: string): string {
  return `import xarray as xr                                    # pip install xarray "zarr>=3.1.6"
ds = xr.open_zarr(${pythonText(`${base}images.zarr`)}, chunks=None)
site = ds.images.sel(site=${pythonText(site)}).values   # (channel, y, x)
`;
}

export function duckdbLines(base: string, site: string): string {
  return `SELECT * FROM read_parquet(${sqlText(`${base}metadata.parquet`)}) WHERE site_id = ${sqlText(site)};
SELECT p.* FROM read_parquet(${sqlText(`${base}planes.parquet`)}) p JOIN read_parquet(${sqlText(`${base}metadata.parquet`)}) m
  USING (site_index) WHERE m.site_id = ${sqlText(site)};
`;
}
