#![doc = include_str!("../README.md")]

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// Instructions beyond those that every processor of its kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CpuLevel {
    /// None: those of x86-64 as such; NEON on aarch64, where each processor has it.
    Baseline,
    /// AVX2.
    Avx2,
    /// AVX-512 with the instructions for bytes, bit counts and permutations, and GFNI.
    Avx512,
}

/// The processor lacks the instructions of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this processor has no {0}; it has {1}")]
pub struct CpuLacks(CpuLevel, CpuLevel);

/// All levels, ascending.
const LEVELS: [CpuLevel; 3] = [CpuLevel::Baseline, CpuLevel::Avx2, CpuLevel::Avx512];

/// The number of the level to which this process is held. It is set before any thread uses it,
/// and orders no other memory, so `Relaxed` is enough.
static HELD_TO: AtomicU8 = AtomicU8::new(u8::MAX);

impl CpuLevel {
    /// The level of this name: `baseline`, `avx2` or `avx512`.
    pub fn of_name(name: &str) -> Option<Self> {
        LEVELS.into_iter().find(|level| level.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The highest level of this processor.
    pub fn of_processor() -> Self {
        let highest = LEVELS.into_iter().rev().find(|level| level.is_there());
        highest.unwrap_or(Self::Baseline)
    }

    /// Uses no instruction of a higher level in this process from now on.
    ///
    /// # Errors
    /// [`CpuLacks`].
    pub fn hold(self) -> Result<(), CpuLacks> {
        if !self.is_there() {
            return Err(CpuLacks(self, Self::of_processor()));
        }
        HELD_TO.store(self as u8, Ordering::Relaxed);
        Ok(())
    }

    /// Whether this process may use the instructions of the level, if the processor has them.
    pub fn is_allowed(self) -> bool {
        HELD_TO.load(Ordering::Relaxed) >= self as u8
    }

    fn is_there(self) -> bool {
        match self {
            Self::Baseline => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vbmi")
                    && is_x86_feature_detected!("avx512vpopcntdq")
                    && is_x86_feature_detected!("gfni")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }
}

impl fmt::Display for CpuLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_names_and_an_order() {
        for level in LEVELS {
            assert_eq!(CpuLevel::of_name(level.name()), Some(level));
            assert_eq!(level.is_there(), level <= CpuLevel::of_processor());
        }
        assert_eq!(CpuLevel::of_name("sse"), None);
        let lacks = CpuLacks(CpuLevel::Avx512, CpuLevel::Avx2);
        assert_eq!(
            lacks.to_string(),
            "this processor has no avx512; it has avx2"
        );
    }
}
