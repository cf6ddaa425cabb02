//! How often to repeat what is random, and the books of it.

/// Rounds of a test with random faults: few, or as many as `RXRX2ZARR_ROUNDS`
/// says. `scripts/torture` asks for many.
pub(super) fn rounds(few: usize) -> usize {
    let told = std::env::var("RXRX2ZARR_ROUNDS").ok();
    told.map_or(few, |rounds| {
        rounds.parse().expect("RXRX2ZARR_ROUNDS is a number")
    })
}

/// What came of the rounds of one test.
pub(super) struct Tally {
    name: &'static str,
    rounds: usize,
    faults: usize,
    lost: usize,
    undetected: usize,
}

impl Tally {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            rounds: 0,
            faults: 0,
            lost: 0,
            undetected: 0,
        }
    }

    pub(super) fn round(&mut self) {
        self.rounds += 1;
    }

    /// Something was broken on purpose.
    pub(super) fn fault(&mut self) {
        self.faults += 1;
    }

    /// Counts a fault after which something was lost.
    pub(super) fn lost_unless(&mut self, kept: bool) {
        self.lost += usize::from(!kept);
    }

    /// Counts a fault that nobody noticed.
    pub(super) fn undetected_unless(&mut self, detected: bool) {
        self.undetected += usize::from(!detected);
    }

    /// Prints a row of the table of `scripts/torture`, and demands that nothing
    /// was lost and nothing went undetected.
    #[track_caller]
    pub(super) fn report(self) {
        let Self {
            name,
            rounds,
            faults,
            lost,
            undetected,
        } = self;
        println!("torture | {name} | {rounds} | {faults} | {lost} | {undetected}");
        assert!(rounds > 0 && faults > 0, "{name}: nothing was tried");
        assert_eq!((lost, undetected), (0, 0), "{name}");
    }
}
