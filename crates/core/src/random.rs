//! Randomness by counter: SplitMix64 keyed (seed, stream, counter), so that a draw needs no hidden state.
//!
//! Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (finalizer), used as a hash of
//! a counter. Not for cryptography. Unsigned, wrapping arithmetic.

/// All bits of a draw.
pub const MASK: u64 = u64::MAX;
/// The odd number that separates streams and counters: 2^64 divided by the golden ratio.
pub const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64's finalizer: u64 to u64, a bijection.
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// The u64 of (seed, stream, counter).
#[must_use]
pub const fn draw(seed: u64, stream: u64, counter: u64) -> u64 {
    let key = mix(seed.wrapping_add(GOLDEN.wrapping_mul(stream.wrapping_add(1))));
    mix(key.wrapping_add(GOLDEN.wrapping_mul(counter.wrapping_add(1))))
}

/// An unbiased integer in 0..bound-1 and the next counter: multiply-high with rejection (Lemire 2019). 1 <= bound < 2**64.
#[must_use]
pub fn below(seed: u64, stream: u64, counter: u64, bound: u64) -> (u64, u64) {
    assert!(bound >= 1, "below: the bound is in 1..2**64-1");
    let threshold = bound.wrapping_neg() % bound;
    let mut counter = counter;
    loop {
        let product = u128::from(draw(seed, stream, counter)) * u128::from(bound);
        counter = counter.wrapping_add(1);
        if product as u64 >= threshold {
            return ((product >> 64) as u64, counter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_the_reference_core() {
        assert_eq!([mix(0), mix(1), mix(MASK)], [0, 0x5692_161d_100b_05e5, 0xb4d0_55fc_f2cb_bd7b]);
        assert_eq!(draw(0, 0, 0), 0xa706_dd2f_4d19_7e6f);
        assert_eq!(draw(1, 2, 3), 0x0ee3_bb45_9e9e_297b);
        assert_eq!(draw(42, 0, 7), 0xbc16_a3d4_cc48_678e);
        assert_eq!(draw(MASK, 65_535, 1_000_000_000_000), 0x0a51_6db1_ba6d_e100);
    }

    #[test]
    fn bounded_integers_are_those_of_the_reference_core() {
        assert_eq!(below(0, 0, 0, 10), (6, 1));
        assert_eq!(below(42, 1, 5, 6), (2, 6));
        assert_eq!(below(7, 3, 0, (1 << 63) + 1), (6_297_361_148_650_469_566, 1));
        assert_eq!(below(7, 3, 9, MASK), (17_008_225_695_509_221_524, 10));
        assert_eq!(below(9, 9, 9, 1), (0, 10));
    }

    #[test]
    fn a_biased_draw_is_rejected_and_the_counter_moves_on() {
        let bound = (1 << 63) + 1;
        assert_eq!(below(7, 3, 1, bound), (7_982_162_841_330_506_488, 4));
    }
}
