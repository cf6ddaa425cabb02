//! With all rules, no invariant is broken in any scenario.

use super::objects::Plan::{P, Q, R};
use super::rules::Rules;
use super::search::Scenario;
use super::store::Store;
use super::writer::Command::{self, Clean, Convert, ConvertRepaired, Overwrite, Retry, Seal, Work};

/// Searches a scenario with all rules.
///
/// # Panics
/// Where an invariant is broken, with the shortest trace, and where a command never
/// succeeds: the search would prove nothing about it.
fn holds(store: Store, commands: &[Command], late_requests: u8) {
    let scenario = Scenario {
        rules: Rules::ALL,
        store,
        commands,
        late_requests,
    };
    let searched = scenario.search();
    if let Some(violation) = searched.violation {
        panic!("{:?} is broken:\n{}", violation.invariant, violation.trace);
    }
    println!("{commands:?}: {} states", searched.states);
    for (command, succeeded) in commands.iter().zip(searched.succeeded) {
        assert!(succeeded, "{command:?} never succeeds in {commands:?}");
    }
}

// Two processes, and two requests that are late or lose their answer.

#[test]
fn the_same_overwrite_twice() {
    holds(Store::sealed(), &[Overwrite(Q), Overwrite(Q)], 2);
}

#[test]
fn the_same_retry_twice() {
    holds(Store::sealed(), &[Retry, Retry], 2);
}

#[test]
fn an_overwrite_and_another_one_back() {
    holds(Store::sealed(), &[Overwrite(Q), Overwrite(P)], 2);
}

#[test]
fn an_overwrite_by_equal_bytes_twice() {
    holds(Store::sealed(), &[Overwrite(P), Overwrite(P)], 2);
}

#[test]
fn a_retry_and_an_overwrite() {
    holds(Store::sealed(), &[Retry, Overwrite(Q)], 2);
}

#[test]
fn a_conversion_and_an_overwrite_by_another_plan() {
    holds(Store::EMPTY, &[Convert(P), Overwrite(Q)], 2);
}

#[test]
fn a_conversion_and_an_overwrite_by_the_same_plan() {
    holds(Store::EMPTY, &[Convert(P), Overwrite(P)], 2);
}

#[test]
fn a_conversion_continued_after_images_were_repaired() {
    holds(Store::EMPTY, &[Convert(P), ConvertRepaired], 2);
}

#[test]
fn an_overwrite_and_clean() {
    holds(Store::sealed(), &[Overwrite(Q), Clean], 2);
}

// Three processes, and one late request.

#[test]
fn an_overwrite_another_one_and_the_first_again() {
    holds(
        Store::sealed(),
        &[Overwrite(Q), Overwrite(P), Overwrite(Q)],
        1,
    );
}

#[test]
fn the_same_overwrite_twice_and_another_one() {
    holds(
        Store::sealed(),
        &[Overwrite(Q), Overwrite(Q), Overwrite(P)],
        1,
    );
}

#[test]
fn the_same_retry_twice_and_an_overwrite() {
    holds(Store::sealed(), &[Retry, Retry, Overwrite(P)], 1);
}

#[test]
fn a_conversion_and_two_overwrites() {
    holds(Store::EMPTY, &[Convert(P), Overwrite(Q), Overwrite(P)], 1);
}

#[test]
fn a_repaired_conversion_and_an_overwrite() {
    holds(
        Store::EMPTY,
        &[Convert(P), ConvertRepaired, Overwrite(Q)],
        1,
    );
}

#[test]
fn clean_between_two_overwrites() {
    holds(Store::sealed(), &[Overwrite(Q), Clean, Overwrite(Q)], 1);
}

#[test]
#[ignore = "full: millions of states"]
fn clean_between_two_overwrites_with_two_late_requests() {
    holds(Store::sealed(), &[Overwrite(Q), Clean, Overwrite(P)], 2);
}

// Jobs, with two late requests.

#[test]
fn a_worker_and_the_seal() {
    holds(Store::job(), &[Work(P), Seal], 2);
}

#[test]
fn a_worker_between_two_seals() {
    holds(Store::job(), &[Seal, Work(P), Seal], 2);
}

#[test]
fn two_workers_of_different_bytes_and_the_seal() {
    holds(Store::job(), &[Work(P), Work(R), Seal], 2);
}

#[test]
fn a_worker_the_seal_and_an_overwrite() {
    holds(Store::job(), &[Work(P), Seal, Overwrite(P)], 2);
    holds(Store::job(), &[Work(P), Seal, Overwrite(Q)], 1);
}

#[test]
fn a_worker_the_seal_and_a_conversion() {
    holds(Store::job(), &[Work(P), Seal, Convert(P)], 2);
}
