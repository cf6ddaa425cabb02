/// What a table may ask for, so that a damaged or hostile file (a gzip bomb, a
/// quote that is never closed) cannot take the machine's memory.
///
/// In memory a cell takes its text and about 60 bytes more, so that a table at
/// all limits takes some 5 GB. RxRx1's has 11 columns, 1.4 million cells and
/// 14 MB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of text, uncompressed.
    pub(crate) bytes: u64,
    /// Bytes of a row; noticed when the reader next asks for bytes.
    pub(crate) row_bytes: u64,
    /// Columns; each becomes an array of its own.
    pub(crate) columns: usize,
    /// Rows times columns.
    pub(crate) cells: usize,
}

impl Limits {
    /// 1 GiB of text, 1 MiB a row, 10,000 columns, 67 million cells.
    pub(crate) const TABLE: Self = Self {
        bytes: 1 << 30,
        row_bytes: 1 << 20,
        columns: 10_000,
        cells: 1 << 26,
    };

    /// Of embeddings, whose numbers do not stay text: what 1,024 of them for
    /// each site of RxRx1 take, ten times over. The numbers in memory have a
    /// limit of their own.
    pub(crate) const EMBEDDINGS: Self = Self {
        bytes: 16 << 30,
        row_bytes: 1 << 20,
        columns: 1 << 16,
        cells: 1 << 31,
    };
}
