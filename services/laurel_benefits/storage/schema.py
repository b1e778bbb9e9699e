"""All tables of this service, whichever file of a noun they stand in."""

from __future__ import annotations

from laurel_benefits.storage import (
    activity_tables,
    checkout_tables,
    coupon_tables,
    earning_tables,
    make_up_tables,
    mall_tables,
    merchant_tables,
    posting_tables,
    return_tables,
    review_case_tables,
    tables,
    tree_tables,
    wallet_tables,
    win_back_tables,
)

METADATA = tables.METADATA
"""Complete once this module is read."""

NOUNS = (
    tables,
    activity_tables,
    review_case_tables,
    checkout_tables,
    coupon_tables,
    earning_tables,
    make_up_tables,
    mall_tables,
    merchant_tables,
    posting_tables,
    return_tables,
    tree_tables,
    wallet_tables,
    win_back_tables,
)
"""The files of tables; each adds its own to METADATA."""
