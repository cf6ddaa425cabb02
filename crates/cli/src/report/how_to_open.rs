//! Lines to paste: how to open a dataset where it lies.

use std::io::{self, Write, stdout};

use rxrx_writer::{Address, Location};

/// How two tools reach a dataset.
struct Lines {
    /// Packages of Python beside xarray and zarr.
    packages: &'static str,
    /// Python that comes before.
    imports: &'static str,
    /// What xarray opens, in Python.
    images: String,
    /// What DuckDB must be told first.
    setup: String,
    /// What the name of a table begins with.
    tables: String,
}

/// Prints lines to paste into Python and DuckDB.
pub(crate) fn how_to_open(dataset: &Location) -> io::Result<()> {
    let Lines {
        packages,
        imports,
        images,
        setup,
        tables,
    } = match dataset {
        Location::Local(path) => {
            let path = std::path::absolute(path)?.display().to_string();
            Lines {
                packages: "",
                imports: "",
                images: format!("\"{path}/images.zarr\""),
                setup: String::new(),
                tables: path,
            }
        }
        Location::Remote(address) => remote(address),
    };
    let imports = imports.replace('\n', "\n    ");
    let setup = setup.replace('\n', "\n    ");
    writeln!(
        stdout(),
        r#"Python (pip install xarray zarr{packages}):
    import xarray as xr
    {imports}ds = xr.open_zarr({images})
    ds.images[0].sel(channel="w1").values

DuckDB:
    {setup}SELECT experiment, plate, count(*) AS sites FROM '{tables}/metadata.parquet' GROUP BY ALL ORDER BY ALL;
    SELECT channel, avg(mean), avg(std) FROM '{tables}/planes.parquet' GROUP BY channel ORDER BY channel;"#
    )
}

fn remote(address: &Address) -> Lines {
    let url = address.url();
    let (endpoint, path) = match url.scheme() {
        // A server that speaks S3: the bucket is in its path.
        "http" | "https" => {
            let endpoint = url.origin().ascii_serialization();
            (
                Some(endpoint),
                format!("s3:/{}", url.path().trim_end_matches('/')),
            )
        }
        _ => (endpoint_of_environment(url.scheme()), address.to_string()),
    };
    let options = match &endpoint {
        None => String::new(),
        Some(endpoint) if endpoint.starts_with("http://") => {
            format!(", endpoint=\"{endpoint}\", client_options={{\"allow_http\": True}}")
        }
        Some(endpoint) => format!(", endpoint=\"{endpoint}\""),
    };
    Lines {
        packages: " obstore",
        // Of a public one, with skip_signature=True.
        imports: "from obstore.store import from_url\nfrom zarr.storage import ObjectStore\n",
        images: format!("ObjectStore(from_url(\"{path}/images.zarr\"{options}), read_only=True)"),
        setup: secret(&path, endpoint.as_deref()),
        tables: path,
    }
}

/// The server that the AWS tools are told to use in place of Amazon's.
fn endpoint_of_environment(scheme: &str) -> Option<String> {
    let names = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];
    let is_s3 = scheme.starts_with("s3");
    let endpoint = names.iter().find_map(|name| std::env::var(name).ok());
    endpoint.filter(|_| is_s3)
}

/// What lets DuckDB read at `path`.
fn secret(path: &str, endpoint: Option<&str>) -> String {
    let (extension, secret) = match path.split("://").next() {
        Some("gs") => ("httpfs", "TYPE gcs, KEY_ID '…', SECRET '…'".to_owned()),
        Some("s3" | "s3a") => {
            let server = endpoint.map(|endpoint| match endpoint.split_once("://") {
                Some(("http", host)) => {
                    format!(", ENDPOINT '{host}', URL_STYLE 'path', USE_SSL false")
                }
                Some((_, host)) => format!(", ENDPOINT '{host}', URL_STYLE 'path'"),
                None => String::new(),
            });
            let server = server.unwrap_or_default();
            ("httpfs", format!("TYPE s3, KEY_ID '…', SECRET '…'{server}"))
        }
        _ => ("azure", "TYPE azure, CONNECTION_STRING '…'".to_owned()),
    };
    format!(
        "INSTALL {extension}; LOAD {extension};\n\
         CREATE SECRET ({secret});   -- not for a public one\n"
    )
}
