"""Randomness by counter: SplitMix64 keyed (seed, stream, counter), so that a draw needs no hidden state.

Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (finalizer), used as a hash of a
counter. Not for cryptography. Unsigned, wrapping arithmetic.
"""

MASK = 2**64 - 1
GOLDEN = 0x9E37_79B9_7F4A_7C15


def mix(value: int) -> int:
    """SplitMix64's finalizer: u64 to u64, a bijection."""
    value = ((value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB) & MASK
    return value ^ (value >> 31)


def draw(seed: int, stream: int, counter: int) -> int:
    """The u64 of (seed, stream, counter)."""
    key = mix((seed + GOLDEN * (stream + 1)) & MASK)
    return mix((key + GOLDEN * (counter + 1)) & MASK)


def below(seed: int, stream: int, counter: int, bound: int) -> tuple[int, int]:
    """An unbiased integer in 0..bound-1 and the next counter: multiply-high with rejection (Lemire 2019). 1 <= bound < 2**64."""
    assert 1 <= bound <= MASK, "below: the bound is in 1..2**64-1"
    threshold = ((MASK + 1) - bound) % bound
    while True:
        product = draw(seed, stream, counter) * bound
        counter += 1
        if (product & MASK) >= threshold:
            return product >> 64, counter
