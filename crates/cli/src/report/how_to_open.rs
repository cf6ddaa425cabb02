//! Lines of Python and SQL that open a dataset at its location.

use std::io::{self, Write};

use rxrx_writer::{Address, Location, READER_VERSIONS};

/// Parts of the lines that depend on the location of the dataset.
struct Lines {
    /// Python packages needed in addition to xarray and zarr, with a space before each.
    packages: &'static str,
    /// Python imports, one on each line.
    imports: &'static str,
    /// Python expression of the store that xarray opens.
    images: String,
    /// SQL statements that let DuckDB read the location, one on each line.
    setup: String,
    /// Location of the tables.
    tables: String,
}

/// Writes lines to paste into Python and DuckDB. Only the images become Dask arrays, with one
/// stored object a task: with one site a task, a data set of RxRx1's size is slow. `is_listed`
/// says whether the store could list the dataset, as an object store can.
pub(crate) fn how_to_open(
    out: &mut dyn Write,
    dataset: &Location,
    is_listed: bool,
) -> io::Result<()> {
    let Lines {
        packages,
        imports,
        images,
        setup,
        tables,
    } = match dataset {
        Location::Local(path) => local(&std::path::absolute(path)?.display().to_string()),
        Location::Remote(address) if is_web_server(address, is_listed) => web_server(address),
        Location::Remote(address) => remote(address),
    };
    let zarr = READER_VERSIONS.iter().find(|reader| reader.name == "zarr");
    let zarr = zarr.map_or("", |reader| reader.least);
    let imports = imports.replace('\n', "\n    ");
    let setup = setup.replace('\n', "\n    ");
    writeln!(
        out,
        r#"Python (pip install xarray dask "zarr>={zarr}"{packages}):
    import xarray as xr
    {imports}ds = xr.open_zarr({images}, chunks=None)
    ds["images"] = ds.images.chunk(site=ds.images.encoding["shards"][0])
    ds.images[0].sel(channel=ds.channel[0]).values

DuckDB:
    {setup}SELECT experiment, plate, count(*) AS sites FROM '{tables}/metadata.parquet' GROUP BY ALL ORDER BY ALL;
    SELECT channel, avg(mean), avg(std) FROM '{tables}/planes.parquet' GROUP BY channel ORDER BY channel;"#
    )
}

/// Returns the lines of a folder.
fn local(path: &str) -> Lines {
    Lines {
        packages: "",
        imports: "",
        images: format!("\"{path}/images.zarr\""),
        setup: String::new(),
        tables: path.to_owned(),
    }
}

/// Whether an address is that of files on a web server: an S3 server lists its buckets, unless
/// it may not, and then its objects are files to a reader as well.
fn is_web_server(address: &Address, is_listed: bool) -> bool {
    !is_listed && ["http", "https"].contains(&address.url().scheme())
}

/// Returns the lines of a folder on a web server.
fn web_server(address: &Address) -> Lines {
    let url = address.to_string();
    let url = url.trim_end_matches('/');
    Lines {
        packages: " fsspec aiohttp",
        imports: "",
        images: format!("\"{url}/images.zarr\""),
        setup: "INSTALL httpfs; LOAD httpfs;\n".to_owned(),
        tables: url.to_owned(),
    }
}

/// Returns the lines of an address.
fn remote(address: &Address) -> Lines {
    let url = address.url();
    let (endpoint, path) = match url.scheme() {
        // A server that speaks S3 has the bucket in the path of its address.
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
        imports: "from obstore.store import from_url\nfrom zarr.storage import ObjectStore\n",
        images: format!("ObjectStore(from_url(\"{path}/images.zarr\"{options}), read_only=True)"),
        setup: duckdb_setup(&path, endpoint.as_deref()),
        tables: path,
    }
}

/// Returns the S3 server that the environment sets for the AWS tools, if it does.
fn endpoint_of_environment(scheme: &str) -> Option<String> {
    let names = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];
    let is_s3 = scheme.starts_with("s3");
    let endpoint = names.iter().find_map(|name| std::env::var(name).ok());
    endpoint.filter(|_| is_s3).map(without_user)
}

/// Removes the user and the password of an endpoint, which are not for others to see.
fn without_user(endpoint: String) -> String {
    let Some((scheme, rest)) = endpoint.split_once("://") else {
        return endpoint;
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{path}"),
        None => endpoint,
    }
}

/// Returns the SQL statements that let DuckDB read `path`.
fn duckdb_setup(path: &str, endpoint: Option<&str>) -> String {
    let (extension, secret) = match path.split("://").next() {
        Some("gs") => ("httpfs", "TYPE gcs, KEY_ID '…', SECRET '…'".to_owned()),
        Some("s3" | "s3a") => {
            let server = endpoint.map_or_else(String::new, duckdb_server);
            ("httpfs", format!("TYPE s3, KEY_ID '…', SECRET '…'{server}"))
        }
        _ => ("azure", "TYPE azure, CONNECTION_STRING '…'".to_owned()),
    };
    format!(
        "INSTALL {extension}; LOAD {extension};\n\
         CREATE SECRET ({secret});   -- leave out for a public bucket\n"
    )
}

/// Returns the options of a DuckDB secret for an S3 server other than Amazon's.
fn duckdb_server(endpoint: &str) -> String {
    match endpoint.split_once("://") {
        Some(("http", host)) => format!(", ENDPOINT '{host}', URL_STYLE 'path', USE_SSL false"),
        Some((_, host)) => format!(", ENDPOINT '{host}', URL_STYLE 'path'"),
        // DuckDB takes a host without a scheme as it is.
        None => format!(", ENDPOINT '{endpoint}', URL_STYLE 'path'"),
    }
}
