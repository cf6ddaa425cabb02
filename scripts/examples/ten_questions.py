"""Answers ten questions about a dataset with DuckDB, without reading pixels.

    python scripts/examples/ten_questions.py DATASET [SITE_ID]

DATASET is a folder, or an address if DuckDB has the httpfs extension. SITE_ID is the site
of the ninth question; the default is the first site of the dataset.

Needs duckdb.
"""

import sys
import time

import duckdb

QUESTIONS = {
    "Which plates are ragged, with fewer sites than the fullest?": """
        SELECT experiment, plate, count(*) AS sites, max(count(*)) OVER () - count(*) AS lacking
        FROM sites GROUP BY experiment, plate QUALIFY lacking > 0
        ORDER BY lacking DESC, experiment, plate""",
    "How many sites are there to train and to test on?": """
        PIVOT sites ON dataset USING count(*) GROUP BY cell_type ORDER BY cell_type""",
    "How many controls has a plate?": """
        SELECT well_type, min(n) AS fewest, median(n) AS usual, max(n) AS most
        FROM (SELECT experiment, plate, well_type, count(*) AS n FROM sites GROUP BY ALL)
        WHERE well_type <> 'treatment' GROUP BY ALL ORDER BY well_type""",
    "What is a balanced sample, two sites of each siRNA and cell type?": """
        SELECT sirna_id, cell_type, list(site_id) AS sample FROM (
            SELECT * FROM sites WHERE well_type = 'treatment' AND complete
            QUALIFY row_number() OVER (
                PARTITION BY sirna_id, cell_type ORDER BY hash(site_id)) <= 2)
        GROUP BY ALL ORDER BY sirna_id, cell_type""",
    "Which nuclei are out of focus, by the measure of their plate?": """
        SELECT site_id, focus, focus / median(focus) OVER (PARTITION BY experiment, plate) AS ratio
        FROM planes JOIN sites USING (site_index) WHERE channel = 'w1' AND status = 'ok'
        ORDER BY ratio, site_index LIMIT 100""",
    "Which planes are saturated?": """
        SELECT site_id, channel, saturated, max FROM planes JOIN sites USING (site_index)
        WHERE saturated > 0.0005 ORDER BY saturated DESC, site_index, channel""",
    "Which planes differ most from their plate, in its standard deviations?": """
        SELECT site_id, channel, (p.mean - s.mean) / s.std AS z
        FROM planes p JOIN sites USING (site_index)
        JOIN stats s USING (experiment, plate, channel)
        WHERE s.scope = 'plate' AND s.std > 0 AND p.status = 'ok'
        ORDER BY abs(z) DESC, site_id, channel LIMIT 100""",
    "Which sites are the brightest of each channel?": """
        SELECT channel, site_id, well_type, sirna, p99
        FROM planes JOIN sites USING (site_index) WHERE status = 'ok'
        QUALIFY row_number() OVER (PARTITION BY channel ORDER BY p99 DESC, site_index) <= 3
        ORDER BY channel, p99 DESC""",
    "Which bytes of which object hold a site?": """
        SELECT site_id, object, byte_offset, byte_length FROM sites
        WHERE site_id = coalesce($site_id, (SELECT min_by(site_id, site_index) FROM sites))""",
    "Which planes are missing, unreadable or corrupt?": """
        SELECT experiment, plate, channel, status, count(*) AS planes, any_value(source) AS example
        FROM planes JOIN sites USING (site_index)
        WHERE status <> 'ok' GROUP BY ALL ORDER BY ALL""",
}


def connect(root: str) -> duckdb.DuckDBPyConnection:
    """Returns a connection with the tables of the dataset as `sites`, `planes` and `stats`."""
    connection = duckdb.connect()
    tables = {"sites": "metadata", "planes": "planes", "stats": "channel_stats"}
    for view, table in tables.items():
        connection.execute(f"CREATE VIEW {view} AS FROM '{root}/{table}.parquet'")
    return connection


def main() -> None:
    root, site_id = [*sys.argv[1:], None][:2]
    connection = connect(root)
    for number, (question, query) in enumerate(QUESTIONS.items(), 1):
        began = time.perf_counter()
        answer = connection.execute(query, {"site_id": site_id} if "$site_id" in query else None)
        names, rows = [column[0] for column in answer.description], answer.fetchall()
        seconds = time.perf_counter() - began
        print(f"\n{number}. {question} ({len(rows)} rows, {seconds:.3f} s)")
        for row in [names, *rows[:5]]:
            print("  ", *(f"{value:.4g}" if isinstance(value, float) else value for value in row))


if __name__ == "__main__":
    main()
