//! The command line. No type of clap leaves this crate.

mod clean;
mod completions;
mod convert;
mod demo;
mod description;
mod environment;
mod headings;
mod info;
mod input;
mod job;
mod man;
mod memory;
mod mistyped;
mod montage;
mod names;
mod paths;
mod plan;
mod publish;
mod report;
mod sample;
mod serve;
mod store;
mod tables;
mod verify;
mod whole_number;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use clean::CleanArguments;
pub(crate) use completions::CompletionsArguments;
pub(crate) use convert::ConvertArguments;
pub(crate) use demo::DemoArguments;
pub(crate) use info::InfoArguments;
pub(crate) use input::InputArguments;
pub(crate) use job::{
    JobArguments, JobInitArguments, JobRunArguments, JobSealArguments, JobStatusArguments, JobStep,
    NoPart, PartList,
};
pub(crate) use man::ManArguments;
pub(crate) use memory::MemoryArguments;
pub(crate) use montage::{CHANNELS as MONTAGE_CHANNELS, MontageArguments};
pub(crate) use plan::PlanArguments;
pub(crate) use publish::PublishArguments;
pub(crate) use report::ReportArguments;
pub(crate) use sample::SampleArguments;
pub(crate) use serve::ServeArguments;
pub(crate) use verify::VerifyArguments;

use crate::report::ProgressKind;
use crate::verbosity::Verbosity;
use environment::{set_variables, with_environment};
use headings::with_headings;
use mistyped::with_advice;

const EXAMPLES: &str = "\
Examples:
  rxrx2zarr demo                               make a small sample, convert it, show how to open it
  rxrx2zarr plan rxrx1                         show what would be converted, and every problem
  rxrx2zarr convert rxrx1 rxrx1-zarr           convert the folder rxrx1
  rxrx2zarr convert rxrx1-images.zip rxrx1-zarr --metadata rxrx1-metadata.zip
  rxrx2zarr convert rxrx1 s3://bucket/rxrx1    convert into a bucket
  rxrx2zarr job init rxrx1 rxrx1-zarr --parts 16    the same in parts, on many machines
  rxrx2zarr verify rxrx1-zarr --source rxrx1   read all of it, compare every pixel
  rxrx2zarr info rxrx1-zarr                    show what is in a dataset, and how to open it
  rxrx2zarr report rxrx1-zarr                  tell what is wrong with its images
  rxrx2zarr serve rxrx1-zarr --open            look at it in the browser
  rxrx2zarr publish rxrx1-zarr s3://bucket/rxrx1

An environment variable can give an option its value: RXRX2ZARR_JOBS is --jobs, and
RXRX2ZARR_STORE_OPTION is --store-option. Options that replace something or skip a
check have none.";

/// Convert RxRx1's 753,060 PNG files into one sharded Zarr v3 array with Parquet
/// tables, ready for xarray, DuckDB and object storage.
#[derive(Debug, Parser)]
#[command(
    version,
    long_version = crate::version::long_version(),
    after_long_help = EXAMPLES,
    max_term_width = 100
)]
pub(crate) struct Program {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Print only results and errors
    #[arg(
        short,
        long,
        global = true,
        display_order = 900,
        conflicts_with = "verbose"
    )]
    quiet: bool,

    /// Also print each stored object, and all known examples of a problem
    #[arg(short, long, global = true, display_order = 901, action = ArgAction::Count)]
    verbose: u8,

    /// How progress is shown on standard error
    #[arg(
        long,
        global = true,
        display_order = 902,
        value_name = "KIND",
        value_enum,
        default_value_t
    )]
    pub(crate) progress: ProgressKind,

    /// Write what is said on standard error into this file, too, each line with its time
    #[arg(long, global = true, display_order = 903, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
}

impl Program {
    /// Parses a command line. The first argument is the name of the program.
    pub(crate) fn parse_from(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let mut command = Self::whole_command();
        let matches = command.try_get_matches_from_mut(arguments);
        let matches = matches.map_err(|error| with_advice(error, &set_variables(&command)))?;
        let program = Self::from_arg_matches(&matches)?;
        match &program.command {
            Command::Convert(arguments) if !arguments.has_output() => {
                Err(no_output("convert [OPTIONS] [INPUT]... <OUTPUT>"))
            }
            Command::Job(JobArguments {
                step: JobStep::Init(arguments),
            }) if !arguments.has_output() => Err(no_output(
                "job init [OPTIONS] --parts <N> [INPUT]... <OUTPUT>",
            )),
            _ => Ok(program),
        }
    }

    /// Returns the command line as clap knows it, with what its attributes cannot say.
    pub(crate) fn whole_command() -> clap::Command {
        let command = Self::command().mut_subcommand("verify", |verify| {
            // convert and plan have these arguments, too, and no source.
            verify.mut_group("TableArguments", |tables| tables.requires("source"))
        });
        with_short_help(with_headings(with_environment(command)))
    }

    /// Returns the amount of text to print on standard error.
    pub(crate) fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            // More of them say nothing more.
            (false, _) => Verbosity::Verbose,
        }
    }
}

/// Says at the end of the short help where the rest stands.
fn with_short_help(command: clap::Command) -> clap::Command {
    command
        .after_help("--help also shows examples and exit codes.")
        .mut_subcommands(with_short_help)
}

/// The error of a command line without OUTPUT.
fn no_output(usage: &str) -> clap::Error {
    let text = format!(
        "the following required arguments were not provided:\n  <OUTPUT>\n\n\
         Usage: rxrx2zarr {usage}\n"
    );
    clap::Error::raw(clap::error::ErrorKind::MissingRequiredArgument, text)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Convert images and their metadata table into a dataset
    Convert(ConvertArguments),
    /// Show what convert would do, and every problem of the input; write nothing
    Plan(PlanArguments),
    /// Convert in parts, by several processes or machines
    Job(JobArguments),
    /// Read a whole dataset and report everything that is not as it was written
    #[command(aliases = ["validate", "check"])]
    Verify(VerifyArguments),
    /// Show what is in a dataset and how to open it
    #[command(aliases = ["inspect", "show"])]
    Info(InfoArguments),
    /// Draw sites at full resolution as a PNG with legend, labels and licence
    Montage(MontageArguments),
    /// Tell what is wrong with the images of a dataset, and why
    Report(ReportArguments),
    /// Let one user's browser and programs read a dataset, over HTTP
    Serve(ServeArguments),
    /// Copy a complete dataset to an object store, the root metadata last
    Publish(PublishArguments),
    /// Remove what runs that have ended left; never touch a complete dataset
    Clean(CleanArguments),
    /// Make a small data set like RxRx1: synthetic cells, same layout and table
    Sample(SampleArguments),
    /// Make a sample, convert it, and show how to open the result
    Demo(DemoArguments),
    /// Print the completions of a shell
    Completions(CompletionsArguments),
    /// Print the manual page of the program, or of one command
    Man(ManArguments),
}

impl Command {
    /// Returns whether the command prints its result as JSON.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Clean(arguments) => arguments.json,
            Self::Convert(arguments) => arguments.json,
            Self::Plan(arguments) => arguments.json,
            Self::Job(arguments) => arguments.step.is_json(),
            Self::Verify(arguments) => arguments.json,
            Self::Info(arguments) => arguments.json,
            Self::Publish(arguments) => arguments.json,
            Self::Montage(arguments) => arguments.json,
            Self::Report(arguments) => arguments.json,
            Self::Serve(arguments) => arguments.json,
            Self::Sample(_) | Self::Demo(_) | Self::Completions(_) | Self::Man(_) => false,
        }
    }
}
