"""Faults of what accounts and lots allow: suspensions, limits, waits, freezes, lines, transfers."""

from __future__ import annotations

from tests.simulation.planting import Mutant

MUTANTS_OF_STATES = (
    Mutant(
        "points come and go in a suspended account",
        "account_changes",
        "if state is AccountState.SUSPENDED and type_ in STOPPED:",
        "if False:",
    ),
    Mutant(
        "a closed account goes on",
        "account_changes",
        "    if state is AccountState.CLOSED:\n",
        "    if False:\n",
    ),
    Mutant(
        "an account with points can be closed",
        "account_changes",
        "    if points or account.held or account.owed:\n",
        "    if account.held:\n",
    ),
    Mutant(
        "a closed account can be opened again",
        "account_changes",
        "    if account.standing.state is AccountState.CLOSED:\n",
        "    if False:\n",
    ),
    Mutant(
        "a hold may set aside more than an account may spend",
        "account_changes",
        "        TransactionType.HOLD,\n        TransactionType.TRANSFER_OUT,\n"
        "        TransactionType.EXCHANGE_OUT,\n",
        "        TransactionType.TRANSFER_OUT,\n        TransactionType.EXCHANGE_OUT,\n",
    ),
    Mutant(
        "limits of an account are forgotten when it is suspended",
        "account_changes",
        "limits=standing.limits if draft.limits is None else draft.limits,",
        "limits=draft.limits or type(standing.limits)(),",
    ),
    Mutant(
        "a transfer may come to a suspended account",
        "posting",
        "        check_standing(target, TransactionType.TRANSFER_IN)\n",
        "",
    ),
    Mutant(
        "a transfer may fill an account beyond its limit",
        "transfers",
        "balance_max = balance_max_of(target, asset.balance_max)",
        "balance_max = asset.balance_max",
    ),
    Mutant(
        "points that are given away last for ever",
        "transfers",
        "expire_time=each.expire_time,",
        "expire_time=None,",
    ),
    Mutant(
        "points that are given away change their funder",
        "transfers",
        "funding_account_id=each.funding_account_id,",
        'funding_account_id="platform",',
    ),
    Mutant(
        "points that wait are spent",
        "accounts",
        "return self.freeze_key is None and not self.pending(now)",
        "return self.freeze_key is None",
    ),
    Mutant(
        "frozen points are spent",
        "accounts",
        "return self.freeze_key is None and not self.pending(now)",
        "return not self.pending(now)",
    ),
    Mutant(
        "frozen points expire",
        "accounts",
        "return self.freeze_key is not None and self.earned > self.consumed",
        "return False",
    ),
    Mutant(
        "points are active an hour late",
        "accounts",
        "return self.active_time is not None and self.active_time > now",
        "return self.active_time is not None and self.active_time >= now.replace(minute=0)",
    ),
    Mutant(
        "frozen lots take new points",
        "accounts",
        "return found == name and not (lot.frozen or lot.activated)",
        "return found == name and not lot.activated",
    ),
    Mutant(
        "what was activated takes points that wait",
        "accounts",
        "return found == name and not (lot.frozen or lot.activated)",
        "return found == name and not lot.frozen",
        seeds=(68,),
    ),
    Mutant(
        "a key activates what waits for another one",
        "lot_decisions",
        "if draft.activation_key and lot.activation_key != draft.activation_key:",
        "if False:",
    ),
    Mutant(
        "thawing one case thaws the others",
        "lot_decisions",
        "return freezing or not draft.freeze_key or lot.freeze_key == draft.freeze_key",
        "return True",
    ),
    Mutant(
        "an extension cuts points short",
        "lot_decisions",
        "lot.expire_time < draft.expire_time",
        "lot.expire_time != draft.expire_time",
    ),
    Mutant(
        "an extension thaws",
        "accounts",
        "            parent_lot_no=lot.lot_no,\n",
        "            parent_lot_no=lot.lot_no,\n            freeze_key=None,\n",
    ),
    Mutant(
        "what was carried on is not known to be the same",
        "reversals",
        "own = accounts.descendants(account.lots, original.movements[0].lot_no)",
        "own = {original.movements[0].lot_no}",
    ),
    Mutant(
        "points that come to be spent by themselves repay no debt",
        "due",
        "    if account.withheld:\n",
        "    if False:\n",
    ),
    Mutant(
        "a part of a spending is posted as all of it",
        "spending_decisions",
        "return taken + owed, after, movements",
        "return requested, after, movements",
    ),
    Mutant(
        "a part of nothing is spent",
        "spending_decisions",
        "taken < requested if shortfall is SpendShortfall.REJECT else not taken + owed",
        "taken < requested if shortfall is SpendShortfall.REJECT else False",
    ),
    Mutant(
        "a line is given back twice",
        "spending_decisions",
        "    left = line.amount - before\n",
        "    left = line.amount\n",
    ),
    Mutant(
        "what a batch reversed of lines is not seen in it",
        "pages",
        "return self.reversed_lines.get(key) or self.over.reversed_lines_of(key)",
        "return self.over.reversed_lines_of(key)",
        seeds=(304,),
    ),
    Mutant(
        "a debt that was repaid is given back",
        "reversals",
        "    if lent > account.owed:\n",
        "    if False:\n",
    ),
    Mutant(
        "points that were lent come back as points",
        "reversals",
        "    account = replace(account, posted=account.posted + lent)\n",
        "",
    ),
)
