"""Wishes of the naive ledger, as hypothesis draws them. What they are about is said by how long ago
it was.
"""

from __future__ import annotations

from hypothesis import strategies as st

from tests.support.naive_ledger import Wish

HOUR = 61 * 60 * 10**6
"""So long that neither days of grace nor holds ever end on the hour, when drafts arrive."""
HALF = 30 * 60 * 10**6

hours = st.integers(1, 30).map(lambda hour: hour * HOUR)
lifetimes = st.integers(0, 12).map(lambda hour: hour * HOUR + HALF)
funders = st.sampled_from(["platform", "merchant"])
keys = st.sampled_from(["", "paid", "sent"])
cases = st.sampled_from(["case", "fraud"])
ago = st.integers(0, 9)
"""How long ago it was that something happened, counted in such things."""
waits = st.one_of(
    st.just((None, None)),
    st.tuples(hours, st.none()),
    st.tuples(st.none(), st.sampled_from(["paid", "sent"])),
)


def wishes(kind: str, amounts: st.SearchStrategy, *detail: st.SearchStrategy):
    """Wishes of a kind."""
    return st.builds(Wish, st.just(kind), amounts, st.tuples(*detail))


ends = st.none() | hours
nothing = st.none()
asked_lines = st.just(()) | st.tuples(
    st.tuples(st.sampled_from("abc"), st.none() | st.integers(1, 9))
)
coming = wishes("earn", st.integers(1, 64), funders, ends).flatmap(
    lambda wish: waits.map(lambda wait: wish._replace(detail=(*wish.detail, *wait)))
)
by_hand = wishes("credit", st.integers(1, 64), funders, ends, nothing, nothing) | wishes(
    "debit", st.integers(1, 40)
)
going = wishes("spend", st.integers(1, 150)) | st.integers(2, 150).flatmap(
    lambda amount: (
        wishes(
            "spend",
            st.just(amount),
            st.sampled_from(["partial", "debt"]),
            st.sampled_from([(), (("a", amount - 1), ("b", 1))]),
        )
        | st.just(Wish("spend", amount, ("reject", (("a", amount - 1), ("b", 1)))))
    )
)
holding = (
    wishes("hold", st.integers(1, 60), lifetimes)
    | wishes("capture", st.none() | st.integers(1, 40), ago, st.booleans())
    | wishes("release", nothing, ago)
    | wishes("extend", nothing, ago, lifetimes)
)
reversing = wishes(
    "reverse",
    st.none() | st.integers(1, 60),
    ago,
    st.sampled_from(["expire", "grace", "reissue"]),
    st.sampled_from(["reject", "clamp", "debt"]),
    asked_lines,
).map(lambda wish: wish._replace(amount=None if wish.detail[-1] else wish.amount))
of_lots = (
    wishes("freeze", nothing, keys, cases)
    | wishes("prolong", nothing, hours)
    | st.sampled_from(["activate", "thaw", "void"]).flatmap(
        lambda kind: wishes(kind, nothing, keys, cases | st.just(""))
    )
)
giving = wishes("give", st.integers(1, 40), st.just("m-4"))
swapping = (
    wishes("swap", st.integers(1, 4).map(lambda tens: 10 * tens))
    | wishes("swap", st.integers(1, 40))
    | wishes("splurge", st.integers(1, 20))
    | wishes("splurge", st.integers(1, 20), st.just("debt"), st.just(()))
)
wish = coming | coming | going | going | holding | reversing | of_lots | giving | by_hand | swapping
