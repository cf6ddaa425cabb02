//! Without a rule, an invariant is broken: each rule closes a hole.

use super::invariants::Invariant::{
    self, CanBeFinished, HoldersExclude, NothingIsLost, RootMeansWhole,
};
use super::objects::Plan::{P, Q, R};
use super::rules::{Rule, Rules};
use super::search::{Scenario, Violation};
use super::store::Store;
use super::writer::Command::{self, Clean, Convert, ConvertRepaired, Overwrite, Retry, Seal, Work};

/// A hole that is open without some rules.
struct Hole {
    /// Its name in docs/reliability.md.
    name: &'static str,
    /// Each of these closes the hole, so it is open only without all of them.
    closed_by: &'static [Rule],
    store: Store,
    commands: &'static [Command],
    late_requests: u8,
    breaks: Invariant,
}

impl Hole {
    fn search(&self, rules: Rules) -> Option<Violation> {
        let scenario = Scenario {
            rules,
            store: self.store,
            commands: self.commands,
            late_requests: self.late_requests,
        };
        scenario.search().violation
    }

    /// Looks for the hole without its rules, and with only one of them.
    fn check(&self) {
        let without = |rules: Rules, rule: &Rule| rules.without(*rule);
        let open = self.closed_by.iter().fold(Rules::ALL, without);
        let found = self.search(open);
        let Some(violation) = found else {
            panic!(
                "{}: nothing is broken without {:?}",
                self.name, self.closed_by
            );
        };
        println!("{}, without {:?}:", self.name, self.closed_by);
        println!("{:?} is broken\n{}", violation.invariant, violation.trace);
        assert_eq!(violation.invariant, self.breaks, "{}", self.name);
        for kept in self.closed_by {
            let others = self.closed_by.iter().filter(|rule| *rule != kept);
            if let Some(violation) = self.search(others.fold(Rules::ALL, without)) {
                panic!(
                    "{}: {kept:?} does not close it:\n{}",
                    self.name, violation.trace
                );
            }
        }
    }
}

const fn hole(
    name: &'static str,
    closed_by: &'static [Rule],
    store: Store,
    commands: &'static [Command],
    late_requests: u8,
    breaks: Invariant,
) -> Hole {
    Hole {
        name,
        closed_by,
        store,
        commands,
        late_requests,
        breaks,
    }
}

/// Holes of conversions, switches and `clean`.
#[rustfmt::skip] // one line for each hole
fn holes_of_switches() -> Vec<Hole> {
    let (sealed, empty) = (Store::sealed(), Store::EMPTY);
    vec![
        hole("V1", &[Rule::SwitchAttribute], sealed, &[Overwrite(P)], 1, RootMeansWhole),
        hole("V1", &[Rule::SwitchAttribute], sealed, &[Retry], 1, RootMeansWhole),
        hole("V2", &[Rule::MarkerNamesHolder], sealed, &[Overwrite(Q), Overwrite(Q)], 1, RootMeansWhole),
        hole("V3", &[Rule::MarkerWhereNothingIs], empty, &[Convert(P), Overwrite(Q)], 1, RootMeansWhole),
        hole("V4", &[Rule::EmptiedFormerRuns], sealed, &[Overwrite(Q), Overwrite(P)], 1, RootMeansWhole),
        hole("V5", &[Rule::NoRemovalInSwitch], sealed, &[Overwrite(Q), Overwrite(P)], 1, RootMeansWhole),
        hole("V9", &[Rule::UniqueRunFolders], sealed, &[Overwrite(Q), Overwrite(Q)], 1, NothingIsLost),
        hole("V10", &[Rule::CleanKeepsNamedRuns], sealed, &[Overwrite(Q), Clean, Overwrite(Q)], 1, CanBeFinished),
        hole("V12", &[Rule::EmptiedRunAfterSwitch], sealed, &[Overwrite(Q), Overwrite(P)], 2, RootMeansWhole),
        hole("V13", &[Rule::MarkerBeforeGoingOn], empty, &[Convert(P), ConvertRepaired], 1, RootMeansWhole),
        hole("V14", &[Rule::EmptyingSparesNext], sealed, &[Overwrite(Q), Overwrite(P), Overwrite(Q)], 1, CanBeFinished),
        hole("V16", &[Rule::FencedState, Rule::RootMeansComplete], sealed, &[Overwrite(Q), Overwrite(Q)], 1, RootMeansWhole),
        hole("V17", &[Rule::LeaseAskedBeforeEachTry], empty, &[Convert(P), Overwrite(Q)], 0, RootMeansWhole),
        hole("V18", &[Rule::ConditionalPuts], sealed, &[Overwrite(Q), Overwrite(P)], 1, RootMeansWhole),
        hole("V19", &[Rule::CopyNamesSource, Rule::CopyNamesDestination], sealed, &[Retry, Overwrite(Q)], 1, RootMeansWhole),
        hole("V22", &[Rule::CopyNamesSource], sealed, &[Overwrite(Q), Overwrite(P)], 1, RootMeansWhole),
        hole("V20", &[Rule::RunRootLast], sealed, &[Overwrite(P), Overwrite(P)], 0, NothingIsLost),
    ]
}

/// Holes of workers and the seal.
#[rustfmt::skip]
fn holes_of_jobs() -> Vec<Hole> {
    let job = Store::job();
    vec![
        hole("V6", &[Rule::DoomedEtags], job, &[Work(P), Seal], 2, RootMeansWhole),
        hole("V7", &[Rule::RecordsLast, Rule::MarkerBeforeGoingOn], job, &[Work(P), Seal, Seal], 1, RootMeansWhole),
        hole("V7", &[Rule::RootMeansComplete], job, &[Work(P), Seal, Seal], 1, RootMeansWhole),
        hole("V8", &[Rule::DoneMeansRecordFits, Rule::DoomedEtags, Rule::StrayRecordsRemoved], job, &[Work(P), Seal], 1, CanBeFinished),
        hole("V8", &[Rule::RecordIsReplaced, Rule::StrayRecordsRemoved], job, &[Work(P), Seal, Work(R)], 1, CanBeFinished),
        hole("V15", &[Rule::DoomedEtagsStay], job, &[Work(P), Seal, Overwrite(P)], 1, RootMeansWhole),
        hole("V21", &[Rule::SharedLeaseFirst], job, &[Work(P), Seal], 0, HoldersExclude),
    ]
}

/// Holes whose search takes long.
#[rustfmt::skip]
fn long_holes() -> Vec<Hole> {
    let sealed = Store::sealed();
    vec![
        hole("V12", &[Rule::CleanWaits], sealed, &[Overwrite(Q), Clean, Overwrite(P)], 2, RootMeansWhole),
    ]
}

#[test]
fn each_rule_of_a_switch_closes_a_hole() {
    holes_of_switches().iter().for_each(Hole::check);
}

#[test]
fn each_rule_of_a_job_closes_a_hole() {
    holes_of_jobs().iter().for_each(Hole::check);
}

#[test]
#[ignore = "full: millions of states"]
fn clean_that_does_not_wait_opens_a_hole() {
    long_holes().iter().for_each(Hole::check);
}

#[test]
fn every_rule_is_taken_out() {
    let holes = [holes_of_switches(), holes_of_jobs(), long_holes()];
    let taken_out: Vec<Rule> = holes
        .iter()
        .flatten()
        .flat_map(|hole| hole.closed_by.iter().copied())
        .collect();
    let kept: Vec<Rule> = Rule::EVERY
        .into_iter()
        .filter(|rule| !taken_out.contains(rule))
        .collect();
    assert!(kept.is_empty(), "no hole is known without {kept:?}");
}

/// The protocol does not cover this case, and docs/reliability.md says so.
#[test]
fn an_input_that_returns_to_older_bytes_is_not_covered() {
    let flips_back = hole(
        "older bytes",
        &[],
        Store::EMPTY,
        &[Convert(P), ConvertRepaired, Convert(P)],
        1,
        RootMeansWhole,
    );
    flips_back.check();
}
