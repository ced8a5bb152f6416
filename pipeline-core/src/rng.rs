//! Random numbers that depend only on the run's seed: the same on every machine, in any schedule.
//!
//! A run has one seed. The seed of a step is made from it and the step's identity, so the numbers of a step do not depend on how
//! many another step has drawn, or on which of them ran first. How seeds and streams are made is part of the framework's
//! promise, because a change would silently change what users' steps return. The tests compare golden values.

use std::convert::Infallible;
use std::fmt;

use chacha20::ChaCha8Rng;
use rand_core::{SeedableRng, TryRng};

use crate::hash::StableHash;

/// Returns the seed of a step, from the run's seed, the step's identity in parts, and the index of its item.
pub(crate) fn step_seed(run_seed: u64, step: &[&str], index: u64) -> u64 {
    let mut hash = StableHash::new("step seed");
    hash.number(run_seed);
    hash.joined(step);
    hash.number(index);
    hash.end() as u64
}

/// A stream of random numbers; made by [`StepContext::rng`](crate::StepContext::rng).
///
/// `ChaCha8` with a key made from a seed. The same seed gives the same stream on every platform and in every version of the
/// framework. Do not use it for secrets: a seed has 64 bits, and is in the report.
///
/// It implements the traits of `rand_core` 0.10, so it serves as a generator of `rand` 0.10. How `rand` makes numbers in a
/// range may differ between its versions; the results of the methods here do not.
///
/// ```
/// # extern crate pipeline_core as pipeline;
/// use pipeline::StepRng;
///
/// let mut rng = StepRng::new(42);
/// assert_eq!((rng.below(10), rng.below(1000)), (9, 330));
/// ```
pub struct StepRng(ChaCha8Rng);

impl StepRng {
    /// Makes the stream of a seed. `StepRng::new(cx.seed())` is `cx.rng()`.
    pub fn new(seed: u64) -> Self {
        StepRng::of_stream(seed, 0)
    }

    /// Makes one of several streams of a seed.
    pub(crate) fn of_stream(seed: u64, stream: u64) -> Self {
        let half = |number| {
            let mut hash = StableHash::new("stream key");
            [seed, stream, number].into_iter().for_each(|part| hash.number(part));
            hash.end().to_le_bytes()
        };
        let mut key = [0; 32];
        key[..16].copy_from_slice(&half(0));
        key[16..].copy_from_slice(&half(1));
        StepRng(ChaCha8Rng::from_seed(key))
    }

    /// Returns the next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let Ok(next) = self.0.try_next_u64();
        next
    }

    /// Returns a number from 0 to `n - 1`, each with the same probability.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "there is no number below 0; ask for a number below 1 or more");
        // Lemire's method: the high half of a product, drawn again if the low half shows that the result would be one of the
        // few numbers that come up once too often.
        let too_often = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= too_often {
                return (product >> 64) as u64;
            }
        }
    }

    /// Returns a number from 0 (included) to 1 (excluded), in steps of 2⁻⁵³.
    pub fn unit_f64(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * STEP
    }
}

impl TryRng for StepRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

impl fmt::Debug for StepRng {
    /// Leaves the state out, because a log of it would show the next numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepRng").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(mut rng: StepRng) -> [u64; 3] {
        [rng.next_u64(), rng.next_u64(), rng.next_u64()]
    }

    /// The values were computed by other code, with `rand_chacha` and `siphasher`. If this fails, the numbers of every pipeline
    /// change: fix the code, not the test.
    #[test]
    fn seeds_and_streams_do_not_change_between_versions() {
        assert_eq!(step_seed(42, &["orders"], 0), 0xcca9_3ca5_263c_0b6c);
        assert_eq!(step_seed(42, &["or", "", "ders"], 0), 0xcca9_3ca5_263c_0b6c);
        assert_eq!(step_seed(42, &["orders"], 1), 0x4160_299d_36e3_9d83);
        assert_eq!(
            drawn(StepRng::new(0)),
            [0x3e5f_8a23_727b_dd7f, 0x63a3_4222_5e3e_a76b, 0x3f8a_9a90_3fd3_5948]
        );
        assert_eq!(
            drawn(StepRng::new(u64::MAX)),
            [0xd02a_1bec_6369_600a, 0xe82e_7a94_c214_0574, 0x4500_16ec_b030_7f1c]
        );
        assert_eq!(
            drawn(StepRng::of_stream(42, 7)),
            [0x147c_80b2_97ed_c5aa, 0xebfb_ef45_6da8_f340, 0x4e81_6b35_2e63_c9b4]
        );
        let mut rng = StepRng::new(42);
        assert_eq!([rng.below(10), rng.below(1000), rng.below(u64::MAX)], [9, 330, 0xddbc_377c_250d_ac47]);
        assert_eq!(StepRng::new(42).unit_f64().to_bits(), 0x3fee_6518_47f9_aeb3);
        let (mut bytes, mut rng) = ([0; 5], StepRng::new(42));
        assert_eq!(rng.try_next_u32(), Ok(0xcd75_9d68));
        assert_eq!(rng.try_fill_bytes(&mut bytes), Ok(()));
        assert_eq!(bytes, [63, 194, 40, 243, 123]);
    }

    /// A stream longer than the generator's buffer, and the seeds of many steps.
    #[test]
    fn long_streams_do_not_change_between_versions() {
        let mut rng = StepRng::new(42);
        let stretch = (0..1000).fold(0_u64, |sum, _| sum.rotate_left(7) ^ rng.next_u64());
        assert_eq!(stretch, 0xe0c2_4f82_78bb_6b83);
        let seeds = (0..1000).fold(0_u64, |sum, run| sum.rotate_left(7) ^ step_seed(run, &["ünïcode"], run));
        assert_eq!(seeds, 0x3790_c457_d1c8_37c0);
    }

    #[test]
    fn the_seed_depends_on_run_step_and_index() {
        let seed = step_seed(1, &["a"], 0);
        let others = [
            step_seed(2, &["a"], 0),
            step_seed(1, &["b"], 0),
            step_seed(1, &["a"], 1),
            step_seed(1, &[""], 0),
        ];
        assert!(others.iter().all(|other| *other != seed), "{seed} {others:?}");
    }

    #[test]
    fn below_returns_each_number_below_the_bound_equally_often() {
        let mut rng = StepRng::new(1);
        let mut seen = [0_u32; 7];
        for _ in 0..7_000 {
            seen[rng.below(7) as usize] += 1;
        }
        // Six standard deviations. The stream is fixed, so this cannot fail by chance.
        assert!(seen.iter().all(|count| (824..=1176).contains(count)), "{seen:?}");
        assert_eq!(rng.below(1), 0);
        // Half of the draws are repeated here.
        let bound = (1 << 63) + 1;
        assert!((0..100).all(|_| rng.below(bound) < bound));
    }

    #[test]
    #[should_panic(expected = "there is no number below 0")]
    fn no_number_is_below_zero() {
        StepRng::new(1).below(0);
    }

    #[test]
    fn fractions_are_from_zero_to_one() {
        let mut rng = StepRng::new(3);
        let all: Vec<f64> = (0..1000).map(|_| rng.unit_f64()).collect();
        assert!(all.iter().all(|x| (0.0..1.0).contains(x)));
        let mean = all.iter().sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }

    #[test]
    fn it_implements_the_trait_of_rand() {
        fn any(rng: &mut impl rand_core::Rng) -> u64 {
            rng.next_u64()
        }
        assert_eq!(any(&mut StepRng::new(5)), StepRng::new(5).next_u64());
        assert_eq!(format!("{:?}", StepRng::new(5)), "StepRng { .. }");
    }
}
