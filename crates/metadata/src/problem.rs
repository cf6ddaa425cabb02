//! Problems of an input, counted and with the first examples.

use serde::Serialize;

/// Kinds of problems of an input that can still be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// Images whose site is nowhere in the table. Published RxRx1 has some.
    ImagesWithoutRow,
    /// Sites of the table with no image at all.
    RowsWithoutImages,
    /// Sites with images of some channels but not of all.
    IncompleteSites,
    /// Planes made of stacks that lack a depth which others have.
    ShortStacks,
    /// Planes with more than one image file.
    DuplicatePlanes,
    /// Image files whose path does not follow the grammar.
    UnrecognisedFiles,
    /// Those of them that would follow it in other upper and lower case.
    NamesInOtherCase,
    /// Files and folders whose name is not UTF-8.
    UnreadableNames,
    /// Entries of an archive whose name is absolute or has `..` in it.
    UnsafeNames,
    /// Images of several sizes or bit depths.
    MixedShapes,
    /// A few images of another size or bit depth than all the rest.
    StrayShapes,
    /// Images whose header cannot be read.
    UnreadableHeaders,
    /// Columns of the table without a name, which a program added.
    UnnamedColumns,
    /// Experiments of the table with no image at all.
    ExperimentsWithoutImages,
    /// Channels between others, of which there is no image at all.
    AbsentChannels,
    /// Required columns that have another name in the table.
    RenamedColumns,
    /// Wells of the table that are not in the plate map.
    WellsNotInPlatemap,
    /// Wells of the plate map that no row of the table has.
    PlatemapWellsUnused,
    /// Values of the table that the joined table does not have.
    RowsNotJoined,
    /// Rows of the joined table that no row of the table has the values of.
    JoinedRowsUnused,
    /// Images of channels, depths or times that are not chosen.
    ImagesNotChosen,
    /// Embeddings of sites that are not converted.
    EmbeddingsWithoutSite,
    /// Sites without an embedding, where others have one.
    SitesWithoutEmbedding,
    /// Channels in `rxrx2zarr.json` that no image has.
    DescribedChannels,
}

/// Consequence of a problem for a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The conversion goes on; the problem is reported.
    Notice,
    /// Images are missing: the conversion goes on only if the user allows it.
    NeedsAllowMissing,
    /// No correct result is possible.
    Fatal,
}

impl ProblemKind {
    /// Title for people: the things that [`Problem::count`] counts.
    pub fn title(self) -> &'static str {
        match self {
            Self::ImagesWithoutRow => "images without a row in the table",
            Self::RowsWithoutImages => "sites without any image",
            Self::IncompleteSites => "sites short of a channel",
            Self::ShortStacks => "stacks short of a depth",
            Self::DuplicatePlanes => "planes with more than one file",
            Self::UnrecognisedFiles => "image files not named EXP/PlateN/WELL_sS_wC.png",
            Self::NamesInOtherCase => {
                "image files whose names fit but for upper and lower case; rename them"
            }
            Self::UnreadableNames => "files or folders whose name is not UTF-8",
            Self::UnsafeNames => "files whose name leads out of the archive, not used",
            Self::MixedShapes => "images of another size or bit depth",
            Self::StrayShapes => "images of another size or bit depth, too few to be meant so",
            Self::UnreadableHeaders => "images with an unreadable header",
            Self::UnnamedColumns => "columns of the table without a name, left out",
            Self::ExperimentsWithoutImages => "experiments without any image",
            Self::AbsentChannels => "channels without any image",
            Self::RenamedColumns => "required columns with another name in the table",
            Self::WellsNotInPlatemap => "wells of the table that are not in the plate map",
            Self::PlatemapWellsUnused => "wells of the plate map that no row has",
            Self::RowsNotJoined => "values of the table that the joined table does not have",
            Self::JoinedRowsUnused => "rows of the joined table that fit no row",
            Self::ImagesNotChosen => {
                "images of channels, depths or times that --channels, --z or --t do not choose"
            }
            Self::EmbeddingsWithoutSite => "embeddings of no site that is converted",
            Self::SitesWithoutEmbedding => "sites without an embedding",
            Self::DescribedChannels => "channels in rxrx2zarr.json that no image has",
        }
    }

    /// Consequence for a conversion.
    pub fn severity(self) -> Severity {
        match self {
            Self::DuplicatePlanes | Self::MixedShapes => Severity::Fatal,
            Self::RowsWithoutImages | Self::IncompleteSites | Self::ShortStacks => {
                Severity::NeedsAllowMissing
            }
            Self::ImagesWithoutRow
            | Self::UnrecognisedFiles
            | Self::NamesInOtherCase
            | Self::ExperimentsWithoutImages
            | Self::AbsentChannels
            | Self::UnreadableNames
            | Self::UnsafeNames
            | Self::StrayShapes
            | Self::UnreadableHeaders
            | Self::UnnamedColumns
            | Self::RenamedColumns
            | Self::WellsNotInPlatemap
            | Self::PlatemapWellsUnused
            | Self::RowsNotJoined
            | Self::JoinedRowsUnused
            | Self::ImagesNotChosen
            | Self::EmbeddingsWithoutSite
            | Self::SitesWithoutEmbedding
            | Self::DescribedChannels => Severity::Notice,
        }
    }
}

/// All problems of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Kind of the problem.
    pub kind: ProblemKind,
    /// Number of the things that the title names.
    pub count: usize,
    /// Number of planes of the array that have no pixels because of it.
    pub missing_planes: usize,
    /// The first examples; each names its paths, site id or channels in full.
    pub examples: Vec<String>,
}

/// The problems of an input, at most one of each kind, in the order of
/// [`ProblemKind`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Most examples of each kind.
    pub const EXAMPLES: usize = 20;

    /// Counts one more of `kind`. `example` is called only while there are fewer
    /// than [`Self::EXAMPLES`].
    pub fn add(
        &mut self,
        kind: ProblemKind,
        missing_planes: usize,
        example: impl FnOnce() -> String,
    ) {
        let problem = self.entry(kind);
        problem.count += 1;
        problem.missing_planes += missing_planes;
        if problem.examples.len() < Self::EXAMPLES {
            problem.examples.push(example());
        }
    }

    /// Returns the problem of `kind`, which is added if there is none.
    #[allow(clippy::indexing_slicing, reason = "the position was found or filled")]
    fn entry(&mut self, kind: ProblemKind) -> &mut Problem {
        let position = self.0.binary_search_by_key(&kind, |problem| problem.kind);
        let position = position.unwrap_or_else(|free| {
            let problem = Problem {
                kind,
                count: 0,
                missing_planes: 0,
                examples: Vec::new(),
            };
            self.0.insert(free, problem);
            free
        });
        &mut self.0[position]
    }

    /// The problems of `kind`, if there are any.
    pub fn get(&self, kind: ProblemKind) -> Option<&Problem> {
        self.iter().find(|problem| problem.kind == kind)
    }

    /// Adds the problems in `more`.
    pub fn extend(&mut self, more: Self) {
        for problem in more.0 {
            let known = self.entry(problem.kind);
            known.count += problem.count;
            known.missing_planes += problem.missing_planes;
            known.examples.extend(problem.examples);
            known.examples.truncate(Self::EXAMPLES);
        }
    }

    /// Iterates over the kinds of problems that were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// Whether there is no problem.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The highest severity, if there is any problem.
    pub fn severity(&self) -> Option<Severity> {
        self.iter().map(|problem| problem.kind.severity()).max()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_snake_case_names() {
        let mut problems = Problems::default();
        problems.add(ProblemKind::MixedShapes, 3, || "a.png".to_owned());
        assert_eq!(
            serde_json::to_string(&problems).unwrap(),
            r#"[{"kind":"mixed_shapes","count":1,"missing_planes":3,"examples":["a.png"]}]"#
        );
        let severity = serde_json::to_string(&Severity::NeedsAllowMissing).unwrap();
        assert_eq!(severity, r#""needs_allow_missing""#);
    }

    #[test]
    fn each_kind_has_its_severity() {
        use ProblemKind::*;
        for (severity, kinds) in [
            (
                Severity::Notice,
                &[
                    ImagesWithoutRow,
                    UnrecognisedFiles,
                    NamesInOtherCase,
                    ExperimentsWithoutImages,
                    AbsentChannels,
                    UnreadableNames,
                    UnsafeNames,
                    StrayShapes,
                    UnreadableHeaders,
                    UnnamedColumns,
                    RenamedColumns,
                    WellsNotInPlatemap,
                    PlatemapWellsUnused,
                    RowsNotJoined,
                    JoinedRowsUnused,
                    ImagesNotChosen,
                    EmbeddingsWithoutSite,
                    SitesWithoutEmbedding,
                ][..],
            ),
            (
                Severity::NeedsAllowMissing,
                &[RowsWithoutImages, IncompleteSites],
            ),
            (Severity::Fatal, &[DuplicatePlanes, MixedShapes]),
        ] {
            for kind in kinds {
                assert_eq!(kind.severity(), severity, "{}", kind.title());
            }
        }
    }

    #[test]
    fn problems_are_counted_by_kind_with_the_first_examples() {
        let mut problems = Problems::default();
        assert_eq!((problems.is_empty(), problems.severity()), (true, None));
        problems.add(ProblemKind::UnrecognisedFiles, 0, || "a.png".to_owned());
        for row in 0..30 {
            problems.add(ProblemKind::RowsWithoutImages, 6, || format!("row {row}"));
        }
        assert_eq!(problems.severity(), Some(Severity::NeedsAllowMissing));
        let found: Vec<_> = problems
            .iter()
            .map(|p| (p.kind, p.count, p.missing_planes, p.examples.len()))
            .collect();
        assert_eq!(
            found,
            [
                (ProblemKind::RowsWithoutImages, 30, 180, Problems::EXAMPLES),
                (ProblemKind::UnrecognisedFiles, 1, 0, 1)
            ]
        );
        assert_eq!(
            problems
                .get(ProblemKind::RowsWithoutImages)
                .unwrap()
                .examples[9],
            "row 9"
        );
        problems.add(ProblemKind::DuplicatePlanes, 0, String::new);
        assert_eq!(problems.severity(), Some(Severity::Fatal));
    }
}
