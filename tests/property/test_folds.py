"""Properties of folding lots into positions: conservation, mirrored shorts, and refolding after a bust."""

from hypothesis import given
from hypothesis import strategies as st

from cracktrader.core.portfolio import FILL, FLAT, Lot, Position, Unsettled, fold, refold, settle

QUANTITY = st.integers(1, 10**6)
LOTS = st.lists(
    st.builds(
        lambda side, quantity, value, key: Lot(str(key), side * quantity, value, 0, FILL),
        st.sampled_from([1, -1]),
        QUANTITY,
        st.integers(0, 10**12),
        st.integers(0, 10**9),
    ),
    max_size=30,
)


def fold_all(lots: list[Lot]) -> Position:
    """The position after all lots."""
    position = FLAT
    for lot in lots:
        position = fold(position, lot)
    return position


@given(LOTS)
def test_realised_less_open_cost_is_what_was_received_less_what_was_paid(lots: list[Lot]) -> None:
    position = fold_all(lots)
    received = sum(-lot.value if lot.quantity > 0 else lot.value for lot in lots)
    assert position.realized_pnl - position.cost == received
    assert position.quantity == position.net_fills == sum(lot.quantity for lot in lots)


@given(LOTS)
def test_a_flat_position_has_no_cost(lots: list[Lot]) -> None:
    position = FLAT
    for lot in lots:
        position = fold(position, lot)
        if position.quantity == 0:
            assert position.cost == 0
        elif position.cost:
            assert (position.cost > 0) == (position.quantity > 0)


@given(LOTS)
def test_long_and_short_mirror(lots: list[Lot]) -> None:
    mirrored = [lot._replace(quantity=-lot.quantity) for lot in lots]
    there, back = fold_all(lots), fold_all(mirrored)
    assert back.quantity == -there.quantity
    assert back.cost == -there.cost
    assert back.realized_pnl == -there.realized_pnl


@given(LOTS.filter(bool), st.data())
def test_refolding_without_a_fill_is_as_if_it_never_was(lots: list[Lot], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(lots) - 1))
    unsettled = Unsettled(FLAT, list(lots), [False] * len(lots))
    assert refold(unsettled, without=index) == fold_all(lots[:index] + lots[index + 1 :])


@given(LOTS.filter(bool), st.randoms(use_true_random=False))
def test_settling_in_any_order_changes_no_position(lots: list[Lot], order: object) -> None:
    lots = [lot._replace(key=str(number)) for number, lot in enumerate(lots)]
    unsettled = Unsettled(FLAT, list(lots), [False] * len(lots))
    keys = [lot.key for lot in lots]
    order.shuffle(keys)  # type: ignore[attr-defined]
    for key in keys:
        index = next(index for index, lot in enumerate(unsettled.lots) if lot.key == key)
        settle(unsettled, index)
        position = unsettled.base
        for lot in unsettled.lots:
            position = fold(position, lot)
        assert position == fold_all(lots)
    assert not unsettled.lots
