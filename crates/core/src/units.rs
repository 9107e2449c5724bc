//! Numbers of the core: integer mantissas, their ranges, and the only two divisions of signed values.
//!
//! Prices and quantities are i64 mantissas with decimals per instrument, money is an i128 mantissa with a scale per currency, a rate
//! is an i64 at 1e-9. Nothing here knows which is which, and there are no floats: those live in `indicator` and `view`. A sum of
//! quantities may be wider than one quantity, so sums are plain i128.

use std::cmp::Ordering;
use std::sync::Arc;

use thiserror::Error;

/// Cells of a column, shared by everybody who reads them: history is long, and is kept once.
pub type Column<T> = Arc<[T]>;

/// Smallest mantissa; as a price or time it is the null.
pub const I64_MIN: i64 = i64::MIN;
/// Largest mantissa.
pub const I64_MAX: i64 = i64::MAX;
/// Smallest intermediate.
pub const I128_MIN: i128 = i128::MIN;
/// Largest intermediate.
pub const I128_MAX: i128 = i128::MAX;
/// Bound of every stored amount, so that a sum of many never leaves i128.
pub const MONEY_MAX: i128 = 1 << 120;
/// The null price.
pub const NONE_PRICE: Price = Price(I64_MIN);
/// The null time.
pub const NONE_TIME: Time = Time(I64_MIN);
/// The rate 1.0.
pub const RATE_ONE: Rate = Rate(1_000_000_000);
/// Null venue, account or strategy; as a strategy it stands for what no strategy owns.
pub const NULL_INDEX: u16 = 65_535;
/// The internal venue `engine`, which reports denials and refusals.
pub const ENGINE_VENUE: VenueIndex = VenueIndex(65_534);
/// Null instrument.
pub const NULL_INSTRUMENT: InstrumentIndex = InstrumentIndex(4_294_967_295);

/// A price mantissa at its instrument's price decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Price(pub i64);

/// A quantity mantissa at its instrument's quantity decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Quantity(pub i64);

/// An amount at its currency's scale.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Money(pub i128);

/// A rate at 1e-9.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Rate(pub i64);

/// A moment or a duration in nanoseconds; a moment counts from the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Time(pub i64);

/// The number of an order in messages, given when it is created.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct OrderOrdinal(pub u64);

/// Place of a venue in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct VenueIndex(pub u16);

/// Place of an account in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct AccountIndex(pub u16);

/// Place of a strategy in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct StrategyIndex(pub u16);

/// Place of a currency in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct CurrencyIndex(pub u16);

/// Place of an instrument in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct InstrumentIndex(pub u32);

impl VenueIndex {
    /// No venue.
    pub const NULL: Self = Self(NULL_INDEX);
}

impl AccountIndex {
    /// No account.
    pub const NULL: Self = Self(NULL_INDEX);
    /// As a place in a slice.
    #[must_use]
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

impl StrategyIndex {
    /// What no strategy owns.
    pub const NULL: Self = Self(NULL_INDEX);
    /// As a place in a slice.
    #[must_use]
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

impl VenueIndex {
    /// As a place in a slice.
    #[must_use]
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

impl CurrencyIndex {
    /// As a place in a slice.
    #[must_use]
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

impl InstrumentIndex {
    /// As a place in a slice.
    #[must_use]
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

/// A result does not fit its number: a refusal at admission, a stop for a venue's fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a result does not fit its number")]
pub struct OutOfRange;

/// Why a text is no mantissa.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum DecimalError {
    /// It is not of the form `-?digits(.digits)?`.
    #[error("'{0}' is not a decimal number")]
    Malformed(Box<str>),
    /// It is not exact at the decimals.
    #[error("'{0}' needs more than {1} decimals")]
    TooFine(Box<str>, u8),
    /// Its mantissa is above an i64.
    #[error("'{0}' does not fit at {1} decimals")]
    TooLarge(Box<str>, u8),
}

/// Gives an enumeration the numbers that messages and the journal carry.
macro_rules! numbered {
    ($name:ident { $($member:ident),+ $(,)? }) => {
        impl $name {
            /// Every member, by number.
            pub const ALL: &'static [Self] = &[$(Self::$member),+];

            /// The number in messages and in the journal.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The member with this number.
            #[must_use]
            pub const fn from_u8(number: u8) -> Option<Self> {
                $(if number == Self::$member as u8 {
                    return Some(Self::$member);
                })+
                None
            }
        }
    };
}
pub(crate) use numbered;

/// How a division that leaves a remainder rounds; every call names its mode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Rounding {
    /// Towards minus infinity.
    Floor = 0,
    /// Towards plus infinity.
    Ceil = 1,
    /// Towards zero.
    Trunc = 2,
    /// To the nearest; a tie to the even one.
    HalfEven = 3,
    /// To the nearest; a tie away from zero.
    HalfAway = 4,
}
numbered!(Rounding { Floor, Ceil, Trunc, HalfEven, HalfAway });

/// numerator / denominator, rounded. The denominator is above 0.
#[must_use]
pub fn div_round(numerator: i128, denominator: i128, mode: Rounding) -> i128 {
    assert!(denominator > 0, "div_round: the denominator is above 0");
    let (mut quotient, mut remainder) = div_rem(numerator, denominator);
    if remainder == 0 {
        return quotient;
    }
    if remainder < 0 {
        quotient -= 1;
        remainder += denominator;
    }
    let rest = denominator - remainder;
    let up = match mode {
        Rounding::Floor => false,
        Rounding::Ceil => true,
        Rounding::Trunc => numerator < 0,
        Rounding::HalfEven => remainder > rest || (remainder == rest && quotient & 1 == 1),
        Rounding::HalfAway => remainder > rest || (remainder == rest && numerator > 0),
    };
    quotient + i128::from(up)
}

/// Truncated quotient and remainder; one division of the machine where both fit it.
fn div_rem(numerator: i128, denominator: i128) -> (i128, i128) {
    if let (Ok(small), Ok(divisor)) = (i64::try_from(numerator), i64::try_from(denominator)) {
        return (i128::from(small / divisor), i128::from(small % divisor));
    }
    let quotient = numerator / denominator;
    (quotient, numerator - quotient * denominator)
}

/// a * b / denominator with a 256-bit intermediate, rounded. `OutOfRange` when the result leaves i128.
pub fn mul_div_round(a: i128, b: i128, denominator: i128, mode: Rounding) -> Result<i128, OutOfRange> {
    assert!(denominator > 0, "mul_div_round: the denominator is above 0");
    match a.checked_mul(b) {
        Some(product) => Ok(div_round(product, denominator, mode)),
        None => wide_mul_div_round(a, b, denominator, mode),
    }
}

/// `value` as a quantity; `OutOfRange` outside i64 (its smallest value is the null).
pub fn quantity(value: i128) -> Result<Quantity, OutOfRange> {
    match i64::try_from(value) {
        Ok(fits) if fits != I64_MIN => Ok(Quantity(fits)),
        _ => Err(OutOfRange),
    }
}

/// `value` as an amount that may be stored; `OutOfRange` outside +-`MONEY_MAX`.
pub fn money(value: i128) -> Result<Money, OutOfRange> {
    if (-MONEY_MAX..=MONEY_MAX).contains(&value) { Ok(Money(value)) } else { Err(OutOfRange) }
}

/// The same amount at other decimals, which differ by at most 38.
pub fn rescale(value: i128, from_decimals: u8, to_decimals: u8, mode: Rounding) -> Result<i128, OutOfRange> {
    if to_decimals >= from_decimals {
        mul_div_round(value, power_of_ten(to_decimals - from_decimals), 1, mode)
    } else {
        Ok(div_round(value, power_of_ten(from_decimals - to_decimals), mode))
    }
}

/// The mantissa of `-?digits(.digits)?`: no exponent, no locale, no blanks. An error when it is not exact at `decimals`.
pub fn parse_decimal(text: &str, decimals: u8) -> Result<i64, DecimalError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(DecimalError::Malformed(text.into()));
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(decimals) {
        return Err(DecimalError::TooFine(text.into(), decimals));
    }
    let zeros = usize::from(decimals) - fraction.len();
    let places = whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', zeros));
    let mut mantissa = 0_i64;
    for digit in places {
        let next = mantissa.checked_mul(10).and_then(|tens| tens.checked_add(i64::from(digit - b'0')));
        mantissa = next.ok_or_else(|| DecimalError::TooLarge(text.into(), decimals))?;
    }
    Ok(if text.starts_with('-') { -mantissa } else { mantissa })
}

const POWERS_OF_TEN: [i128; 39] = {
    let mut powers = [1_i128; 39];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

const WORDS_OF_TEN: [i64; 19] = {
    let mut words = [0; 19];
    let mut exponent = 0;
    while exponent < words.len() {
        words[exponent] = POWERS_OF_TEN[exponent] as i64;
        exponent += 1;
    }
    words
};

/// 10 to the power of `exponent`, which is at most 38.
#[must_use]
pub(crate) fn power_of_ten(exponent: u8) -> i128 {
    POWERS_OF_TEN[usize::from(exponent)]
}

/// The power where a machine word holds it.
#[inline]
pub(crate) fn word_of_ten(exponent: u8) -> Option<i64> {
    WORDS_OF_TEN.get(usize::from(exponent)).copied()
}

/// How a * b compares with c * d, exactly.
#[must_use]
#[inline]
pub(crate) fn compare_products(a: i128, b: i128, c: i128, d: i128) -> Ordering {
    // Products of such factors fit, and most numbers are so small.
    let is_small = |number: i128| i128::from(number as i64) == number;
    if is_small(a) & is_small(b) & is_small(c) & is_small(d) {
        return a.wrapping_mul(b).cmp(&c.wrapping_mul(d));
    }
    compare_wide_products(a, b, c, d)
}

#[cold]
fn compare_wide_products(a: i128, b: i128, c: i128, d: i128) -> Ordering {
    let left = signed_product(a, b);
    let right = signed_product(c, d);
    match (left.0, right.0) {
        (false, false) => left.1.cmp(&right.1),
        (true, true) => right.1.cmp(&left.1),
        (negative, _) => {
            if negative {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

/// Whether a * b is below 0, and its magnitude as (high, low).
fn signed_product(a: i128, b: i128) -> (bool, (u128, u128)) {
    let magnitude = widening_mul(a.unsigned_abs(), b.unsigned_abs());
    ((a < 0) != (b < 0) && magnitude != (0, 0), magnitude)
}

/// The same as `mul_div_round` for a product that leaves i128: rounding happens on magnitudes.
fn wide_mul_div_round(a: i128, b: i128, denominator: i128, mode: Rounding) -> Result<i128, OutOfRange> {
    let (negative, (high, low)) = signed_product(a, b);
    let divisor = denominator.unsigned_abs();
    if high >= divisor {
        return Err(OutOfRange);
    }
    let (quotient, remainder) = narrowing_div(high, low, divisor);
    let rest = divisor - remainder;
    let up = remainder != 0
        && match mode {
            Rounding::Floor => negative,
            Rounding::Ceil => !negative,
            Rounding::Trunc => false,
            Rounding::HalfEven => remainder > rest || (remainder == rest && quotient & 1 == 1),
            Rounding::HalfAway => remainder >= rest,
        };
    let magnitude = quotient.checked_add(u128::from(up)).ok_or(OutOfRange)?;
    if negative {
        0_i128.checked_sub_unsigned(magnitude).ok_or(OutOfRange)
    } else {
        i128::try_from(magnitude).map_err(|_| OutOfRange)
    }
}

const LOW: u128 = u64::MAX as u128;

/// a * b as (high, low), by four products of halves.
pub(crate) fn widening_mul(a: u128, b: u128) -> (u128, u128) {
    let (a_high, a_low) = (a >> 64, a & LOW);
    let (b_high, b_low) = (b >> 64, b & LOW);
    let lowest = a_low * b_low;
    let middle = a_high * b_low + (lowest >> 64);
    let carried = a_low * b_high + (middle & LOW);
    (a_high * b_high + (middle >> 64) + (carried >> 64), (carried << 64) | (lowest & LOW))
}

/// (high, low) / divisor and the remainder; high is below the divisor, so that the quotient fits.
/// Source: D. Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D, with two digits of 64 bits.
fn narrowing_div(high: u128, low: u128, divisor: u128) -> (u128, u128) {
    let shift = divisor.leading_zeros();
    let divisor = divisor << shift;
    let carry = if shift == 0 { 0 } else { low >> (128 - shift) };
    let (high, low) = ((high << shift) | carry, low << shift);
    let (first, rest) = quotient_digit(high, low >> 64, divisor);
    let (second, rest) = quotient_digit(rest, low & LOW, divisor);
    ((first << 64) | second, rest >> shift)
}

/// (high, digit) / divisor and the remainder, for a divisor with its highest bit set and high below it.
fn quotient_digit(high: u128, digit: u128, divisor: u128) -> (u128, u128) {
    let (top, bottom) = (divisor >> 64, divisor & LOW);
    let (mut quotient, mut rest) = (high / top, high % top);
    // The estimate from the top digit is at most two too large.
    while rest <= LOW && (quotient > LOW || quotient * bottom > ((rest << 64) | digit)) {
        quotient -= 1;
        rest += top;
    }
    // Modulo 2^128 the difference is exact: the remainder is below the divisor.
    let remainder = ((high << 64) | digit).wrapping_sub(quotient.wrapping_mul(divisor));
    (quotient, remainder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A product of magnitudes as limbs of 32 bits, lowest first.
    fn model_product(a: u128, b: u128) -> [u64; 8] {
        let limb = |value: u128, at: usize| (value >> (32 * at)) as u64 & 0xFFFF_FFFF;
        let mut limbs = [0_u64; 8];
        for i in 0..4 {
            let mut carry = 0;
            for j in 0..4 {
                let sum = limbs[i + j] + limb(a, i) * limb(b, j) + carry;
                limbs[i + j] = sum & 0xFFFF_FFFF;
                carry = sum >> 32;
            }
            limbs[i + 4] = carry;
        }
        limbs
    }

    /// The floor of a * b / d and the remainder, bit by bit; none when the quotient leaves 130 bits.
    fn model_division(a: u128, b: u128, divisor: u128) -> (Option<u128>, u128) {
        let limbs = model_product(a, b);
        let (mut quotient, mut remainder) = (Some(0_u128), 0_u128);
        for bit in (0..256).rev() {
            remainder = 2 * remainder + u128::from(limbs[bit / 32] >> (bit % 32) & 1);
            let fits = remainder >= divisor;
            remainder -= if fits { divisor } else { 0 };
            quotient = quotient.and_then(|so_far| so_far.checked_mul(2)).map(|doubled| doubled | u128::from(fits));
        }
        (quotient, remainder)
    }

    fn model(a: i128, b: i128, denominator: i128, mode: Rounding) -> Result<i128, OutOfRange> {
        let divisor = denominator.unsigned_abs();
        let negative = (a < 0) != (b < 0);
        let (quotient, remainder) = model_division(a.unsigned_abs(), b.unsigned_abs(), divisor);
        let quotient = quotient.ok_or(OutOfRange)?;
        let nearer = remainder.cmp(&(divisor - remainder));
        let away = remainder != 0
            && match mode {
                Rounding::Floor => negative,
                Rounding::Ceil => !negative,
                Rounding::Trunc => false,
                Rounding::HalfEven => nearer.is_gt() || (nearer.is_eq() && quotient % 2 == 1),
                Rounding::HalfAway => nearer.is_ge(),
            };
        let magnitude = quotient.checked_add(u128::from(away)).ok_or(OutOfRange)?;
        match (negative, i128::try_from(magnitude)) {
            (false, Ok(fits)) => Ok(fits),
            (true, Ok(fits)) => Ok(-fits),
            (true, Err(_)) if magnitude == 1 << 127 => Ok(i128::MIN),
            _ => Err(OutOfRange),
        }
    }

    fn any_mode() -> impl Strategy<Value = Rounding> {
        proptest::sample::select(Rounding::ALL)
    }

    /// Numbers of every length, not only long ones.
    fn any_length() -> impl Strategy<Value = i128> {
        (any::<i128>(), 0_u32..127).prop_map(|(value, shift)| value >> shift)
    }

    proptest! {
        #[test]
        fn a_product_is_divided_as_in_the_bitwise_model(a in any_length(), b in any_length(), c in any_length(), mode in any_mode()) {
            let denominator = c.checked_abs().unwrap_or(i128::MAX).max(1);
            prop_assert_eq!(mul_div_round(a, b, denominator, mode), model(a, b, denominator, mode));
        }

        #[test]
        fn a_wide_division_undoes_a_wide_product(a in any::<u128>(), b in 1..=u128::MAX) {
            let (high, low) = widening_mul(a, b);
            prop_assert_eq!(narrowing_div(high, low, b), (a, 0));
        }

        #[test]
        fn the_wide_path_agrees_with_the_narrow_one(a in any::<i64>(), b in any::<i64>(), c in 1..=i128::MAX, mode in any_mode()) {
            let (a, b) = (i128::from(a), i128::from(b));
            prop_assert_eq!(wide_mul_div_round(a, b, c, mode), Ok(div_round(a * b, c, mode)));
        }

        #[test]
        fn products_compare_as_numbers(a in any::<i64>(), b in any::<i64>(), c in any::<i64>(), d in any::<i64>()) {
            let [a, b, c, d] = [a, b, c, d].map(i128::from);
            prop_assert_eq!(compare_products(a, b, c, d), (a * b).cmp(&(c * d)));
        }

        #[test]
        fn every_mantissa_is_read_back_from_its_text(mantissa in -I64_MAX..=I64_MAX, decimals in 0_u8..=12) {
            let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = usize::from(decimals) + 1);
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(decimals));
            let sign = if mantissa < 0 { "-" } else { "" };
            let dot = if decimals == 0 { "" } else { "." };
            prop_assert_eq!(parse_decimal(&format!("{sign}{whole}{dot}{fraction}"), decimals), Ok(mantissa));
        }
    }

    #[test]
    fn each_mode_rounds_the_halves_and_thirds_its_own_way() {
        let cases = [
            // numerator, denominator, floor, ceil, trunc, half even, half away
            (7, 2, [3, 4, 3, 4, 4]),
            (5, 2, [2, 3, 2, 2, 3]),
            (1, 2, [0, 1, 0, 0, 1]),
            (-1, 2, [-1, 0, 0, 0, -1]),
            (-3, 2, [-2, -1, -1, -2, -2]),
            (-5, 2, [-3, -2, -2, -2, -3]),
            (4, 3, [1, 2, 1, 1, 1]),
            (5, 3, [1, 2, 1, 2, 2]),
            (-4, 3, [-2, -1, -1, -1, -1]),
            (-5, 3, [-2, -1, -1, -2, -2]),
            (-6, 3, [-2, -2, -2, -2, -2]),
            (0, 3, [0, 0, 0, 0, 0]),
        ];
        for (numerator, denominator, expected) in cases {
            for (mode, expected) in Rounding::ALL.iter().zip(expected) {
                assert_eq!(div_round(numerator, denominator, *mode), expected, "{numerator}/{denominator} {mode:?}");
            }
        }
    }

    #[test]
    fn the_ends_of_i128_divide_without_overflow() {
        assert_eq!(div_round(i128::MIN, 1, Rounding::HalfAway), i128::MIN);
        assert_eq!(div_round(i128::MAX, i128::MAX, Rounding::HalfEven), 1);
        assert_eq!(div_round(i128::MIN, i128::MAX, Rounding::Floor), -2);
        assert_eq!(mul_div_round(i128::MIN, i128::MAX, i128::MAX, Rounding::Trunc), Ok(i128::MIN));
        assert_eq!(mul_div_round(i128::MAX, i128::MAX, i128::MAX, Rounding::Ceil), Ok(i128::MAX));
        assert_eq!(mul_div_round(i128::MIN, -1, 1, Rounding::Trunc), Err(OutOfRange));
        assert_eq!(mul_div_round(i128::MAX, 2, 1, Rounding::Trunc), Err(OutOfRange));
        assert_eq!(mul_div_round(i128::MIN, i128::MIN, i128::MAX, Rounding::Trunc), Err(OutOfRange));
    }

    #[test]
    fn a_quantity_excludes_the_null_and_money_is_bounded() {
        assert_eq!(quantity(i64::MAX.into()), Ok(Quantity(i64::MAX)));
        assert_eq!(quantity(i128::from(i64::MAX) + 1), Err(OutOfRange));
        assert_eq!(quantity(i64::MIN.into()), Err(OutOfRange));
        assert_eq!(money(MONEY_MAX), Ok(Money(MONEY_MAX)));
        assert_eq!(money(-MONEY_MAX - 1), Err(OutOfRange));
    }

    #[test]
    fn rescaling_is_exact_upwards_and_rounds_downwards() {
        assert_eq!(rescale(125, 2, 4, Rounding::HalfEven), Ok(12_500));
        assert_eq!(rescale(125, 2, 1, Rounding::HalfEven), Ok(12));
        assert_eq!(rescale(-125, 2, 1, Rounding::HalfAway), Ok(-13));
        assert_eq!(rescale(i128::MAX, 0, 1, Rounding::Trunc), Err(OutOfRange));
    }

    #[test]
    fn text_that_is_no_exact_decimal_is_refused_with_its_reason() {
        assert_eq!(parse_decimal("-0.10", 1), Ok(-1));
        assert_eq!(parse_decimal("007", 0), Ok(7));
        assert_eq!(parse_decimal("9223372036854775807", 0), Ok(i64::MAX));
        for text in ["", "-", ".5", "5.", "1e3", " 1", "+1", "--1", "1.2.3", "1_0", "\u{0661}"] {
            assert_eq!(parse_decimal(text, 8), Err(DecimalError::Malformed(text.into())), "{text}");
        }
        assert_eq!(parse_decimal("0.125", 2).unwrap_err().to_string(), "'0.125' needs more than 2 decimals");
        let large = parse_decimal("-9223372036854775808", 0).unwrap_err();
        assert_eq!(large.to_string(), "'-9223372036854775808' does not fit at 0 decimals");
    }
}
