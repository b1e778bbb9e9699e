"""What handlers ask of the two other services, whoever answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from laurel_benefits.domain.activities import Activity
from laurel_benefits.domain.check_ins import DailyCheckIn
from laurel_benefits.domain.dormancy import Dormancy
from laurel_benefits.domain.gate_terms import ScoreSource
from laurel_benefits.domain.ids import MemberId, MemberKey, ProgramId, ScoreModelId
from laurel_benefits.domain.orders import Grant, GrantOutcome, Order, TellingOutcome
from laurel_benefits.domain.postings import Posting
from laurel_benefits.domain.reminders import Ending, Span
from laurel_benefits.domain.reservations import Checkout, Step, StepOutcome
from laurel_benefits.domain.returns import OrderReturn, ReturnStep, ReturnStepOutcome
from laurel_benefits.domain.spending import Balance
from laurel_benefits.domain.standings import Standing


class Ledger(Protocol):
    """Where points are kept."""

    async def get_balance(self, member: MemberKey, asset_id: str) -> Balance:
        """What the member has to spend now. Raises DependencyDown."""
        ...

    def expiring_points(
        self, program_id: ProgramId, asset_id: str, span: Span
    ) -> AsyncIterator[Sequence[Ending]]:
        """Points of all members that become void in a span, lot by lot. Raises DependencyDown."""
        ...

    async def take_step(self, checkout: Checkout, step: Step) -> StepOutcome:
        """Hold, capture, release or give back the points of an order; a repeat changes nothing.

        Raises DependencyDown when the outcome is open: repeat it later.
        """
        ...

    async def take_return_step(
        self, order_return: OrderReturn, step: ReturnStep
    ) -> ReturnStepOutcome:
        """Reverse a spending or an earning; a repeat changes nothing.

        Raises DependencyDown when the outcome is open: repeat it later.
        """
        ...

    async def post_grant(self, order: Order, grant: Grant) -> GrantOutcome:
        """Pay a grant under its request id; a repeat changes nothing.

        Raises DependencyDown when the outcome is open: repeat it later.
        """
        ...

    async def post_check_in(self, check_in: DailyCheckIn) -> GrantOutcome:
        """Pay a check-in under its request id; a repeat changes nothing.

        Raises DependencyDown when the outcome is open: repeat it later.
        """
        ...

    async def make_posting(self, posting: Posting) -> GrantOutcome:
        """Make a posting under its request id; a repeat changes nothing.

        Raises DependencyDown when the outcome is open: repeat it later.
        """
        ...


class Scoring(Protocol):
    """Where members are valued."""

    async def get_standing(
        self, member: MemberKey, model_id: ScoreModelId, source: ScoreSource
    ) -> Standing:
        """The member's score and profile as of now. Raises DependencyDown."""
        ...

    async def simulate_score(
        self, member: MemberKey, model_id: ScoreModelId, as_of_time: datetime
    ) -> int:
        """The member's score as of an instant, also one to come. Raises DependencyDown."""
        ...

    async def get_dormancy(self, member: MemberKey) -> Dormancy:
        """How long a member has been away. Raises DependencyDown."""
        ...

    def segment_members(
        self, program_id: ProgramId, segment_id: str, after: MemberId
    ) -> AsyncGenerator[Dormancy]:
        """Everybody in a segment, by name, behind a member. Raises DependencyDown."""
        ...

    async def tier_ends(
        self, program_id: ProgramId, model_id: ScoreModelId, member_ids: Sequence[MemberId]
    ) -> Sequence[Ending]:
        """The ends of the tiers of up to 500 members that have one. Raises DependencyDown."""
        ...

    async def record_purchases(self, orders: Sequence[Order]) -> Sequence[TellingOutcome]:
        """Tell scoring of one member's purchases, in order; a repeat changes nothing.

        Raises DependencyDown when the outcome of any of them is open: repeat all of them later.
        """
        ...

    async def record_return(self, order_return: OrderReturn) -> TellingOutcome:
        """Tell scoring what went back of a purchase it knows; a repeat changes nothing.

        Raises DependencyDown when the outcome is open: repeat it later.
        """
        ...

    async def record_activities(self, activities: Sequence[Activity]) -> Sequence[TellingOutcome]:
        """Tell scoring what one member did beside buying, in order; a repeat changes nothing.

        Raises DependencyDown when the outcome of any of them is open: repeat all of them later.
        """
        ...

    async def retract_activity(self, activity: Activity) -> TellingOutcome:
        """Tell scoring that a review was deleted; a repeat changes nothing.

        Raises DependencyDown when the outcome is open: repeat it later.
        """
        ...
