//! A sum of products of two numbers that are not below 0, of 256 bits; the Python core's int.

use crate::units::widening_mul;

/// Bits of the lower of the two parts in a leaf.
pub const HALF_WIDTH: u32 = 96;

/// high * 2**128 + low.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    /// a * b.
    pub fn product(a: u128, b: u128) -> Self {
        let (high, low) = widening_mul(a, b);
        Self { high, low }
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        Self { high: self.high + other.high + u128::from(carry), low }
    }

    /// The difference, which is not below 0.
    pub fn minus(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Self { high: self.high - other.high - u128::from(borrow), low }
    }

    /// So many times.
    pub fn times(self, factor: u128) -> Self {
        let Self { high, low } = Self::product(self.low, factor);
        Self { high: high + self.high * factor, low }
    }

    /// As an i128, where it fits.
    pub fn narrow(self) -> Option<i128> {
        if self.high == 0 { i128::try_from(self.low).ok() } else { None }
    }

    /// The nearest float, a tie to the even one.
    pub fn real(self) -> f64 {
        if self.high == 0 {
            return self.low as f64;
        }
        let shift = 128 - self.high.leading_zeros();
        let (top, cut) = if shift == 128 {
            (self.high, self.low)
        } else {
            (self.high << (128 - shift) | self.low >> shift, self.low << (128 - shift))
        };
        // The lowest of 128 bits stands for all that were cut: it only tells a tie from more than a tie.
        let rounded = (top | u128::from(cut != 0)) as f64;
        rounded * f64::from_bits(u64::from(1023 + shift) << 52)
    }

    /// Of its two parts, the lower one below 2**96.
    pub fn of_parts(low: u128, high: u128) -> Self {
        Self { high: high >> (128 - HALF_WIDTH), low: high << HALF_WIDTH | low }
    }

    /// As two numbers that fit i128, the lower first.
    pub fn parts(self) -> [i128; 2] {
        let low = self.low & ((1 << HALF_WIDTH) - 1);
        let high = self.high << (128 - HALF_WIDTH) | self.low >> HALF_WIDTH;
        [low as i128, high as i128]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_products_are_exact_beyond_128_bits() {
        let square = Wide::product(u128::MAX, u128::MAX);
        let sum = Wide::product(1 << 100, 1 << 100).plus(Wide::product(1 << 100, 3));
        assert_eq!(sum.minus(Wide::product(1 << 100, 3)), Wide::product(1 << 100, 1 << 100));
        assert_eq!(Wide::product(7, 8).times(9).narrow(), Some(504));
        assert_eq!(square.narrow(), None);
        assert_eq!(Wide::product(1 << 100, 1 << 28).parts(), [0, 1 << 32]);
        let [low, high] = sum.parts().map(i128::unsigned_abs);
        assert_eq!(Wide::of_parts(low, high), sum);
    }

    #[test]
    fn the_float_is_the_nearest_one_with_ties_to_even() {
        let power = |bits: u32| f64::from_bits(u64::from(1023 + bits) << 52);
        let of = |high: u128, low: u128| Wide { high, low }.real();
        assert_eq!(of(1, 0), power(128));
        // 2**180 + 2**127: half of the last place of 2**180.
        assert_eq!(of(1 << 52, 1 << 127), power(180));
        assert_eq!(of(1 << 52, (1 << 127) + 1), power(180) + power(128));
        assert_eq!(of((1 << 52) + 1, 1 << 127), power(180) + 2.0 * power(128));
        assert_eq!(of(u128::MAX, u128::MAX), power(255) * 2.0);
    }
}
