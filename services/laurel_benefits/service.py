"""Wires the benefits service: clients, handlers, doors and the relay."""

from __future__ import annotations

from functools import partial

import grpc.aio
from laurel.benefits.v1 import (
    campaigns_pb2,
    campaigns_pb2_grpc,
    coupons_pb2,
    coupons_pb2_grpc,
    eligibility_pb2,
    eligibility_pb2_grpc,
    engagement_pb2,
    engagement_pb2_grpc,
    games_pb2,
    games_pb2_grpc,
    mall_pb2,
    mall_pb2_grpc,
    memberships_pb2,
    memberships_pb2_grpc,
    merchants_pb2,
    merchants_pb2_grpc,
    orders_pb2,
    orders_pb2_grpc,
    reminders_pb2,
    reminders_pb2_grpc,
    risk_pb2,
    risk_pb2_grpc,
)
from laurel_kit.clock import SystemClock
from laurel_kit.faults import status_of
from laurel_kit.kit_faults import KIT_FAULTS
from laurel_kit.service import Foundation, Service

from laurel_benefits.clients import LedgerClient, ScoringClient
from laurel_benefits.config import BenefitsSettings
from laurel_benefits.faults import FAULTS
from laurel_benefits.handlers.activity_tellings import relay_activities
from laurel_benefits.handlers.carrying_out import relay_for_ever, relay_orders
from laurel_benefits.handlers.check_ins import relay_check_ins
from laurel_benefits.handlers.checkout_steps import Lapses, relay_checkouts
from laurel_benefits.handlers.conclusions import relay
from laurel_benefits.handlers.confirmations import end_unconfirmed
from laurel_benefits.handlers.coupon_jobs import (
    IMPORT_JOB,
    ISSUE_JOB,
    ImportedCodes,
    ImportJob,
    IssuedCoupons,
    IssueJob,
    run_import,
    run_issue,
)
from laurel_benefits.handlers.due_grants import DueGrants
from laurel_benefits.handlers.redemptions import CONFIRM_END
from laurel_benefits.handlers.resources import Limits, Resources
from laurel_benefits.handlers.returns import relay_returns
from laurel_benefits.handlers.trial_ends import TRIAL_END, forfeit_trial
from laurel_benefits.servicers.campaigns import CampaignServicer
from laurel_benefits.servicers.coupons import CouponServicer
from laurel_benefits.servicers.eligibility import EligibilityServicer
from laurel_benefits.servicers.engagement import EngagementServicer
from laurel_benefits.servicers.games import GameServicer
from laurel_benefits.servicers.mall import MallServicer
from laurel_benefits.servicers.memberships import MembershipServicer
from laurel_benefits.servicers.merchants import MerchantServicer
from laurel_benefits.servicers.orders import OrderServicer
from laurel_benefits.servicers.reminders import ReminderServicer
from laurel_benefits.servicers.risks import RiskServicer
from laurel_benefits.wire.coupons import write_import_codes, write_issue_coupons
from laurel_benefits.wire.programs import SECTION

SERVICE_NAMES: tuple[str, ...] = (
    orders_pb2.DESCRIPTOR.services_by_name["OrderService"].full_name,
    memberships_pb2.DESCRIPTOR.services_by_name["MembershipService"].full_name,
    eligibility_pb2.DESCRIPTOR.services_by_name["EligibilityService"].full_name,
    risk_pb2.DESCRIPTOR.services_by_name["RiskService"].full_name,
    engagement_pb2.DESCRIPTOR.services_by_name["EngagementService"].full_name,
    coupons_pb2.DESCRIPTOR.services_by_name["CouponService"].full_name,
    games_pb2.DESCRIPTOR.services_by_name["GameService"].full_name,
    mall_pb2.DESCRIPTOR.services_by_name["MallService"].full_name,
    merchants_pb2.DESCRIPTOR.services_by_name["MerchantService"].full_name,
    campaigns_pb2.DESCRIPTOR.services_by_name["CampaignService"].full_name,
    reminders_pb2.DESCRIPTOR.services_by_name["ReminderService"].full_name,
)


async def build(foundation: Foundation) -> Service:
    """The service upon a foundation of the kit."""
    resources = resources_of(foundation)
    status = partial(status_of, table={**KIT_FAULTS, **FAULTS}, domain="benefits.laurel")

    foundation.timers.register(TRIAL_END, partial(forfeit_trial, resources=resources))
    foundation.timers.register(CONFIRM_END, partial(end_unconfirmed, resources=resources))

    def register(server: grpc.aio.Server) -> None:
        orders_pb2_grpc.add_OrderServiceServicer_to_server(OrderServicer(resources), server)
        memberships_pb2_grpc.add_MembershipServiceServicer_to_server(
            MembershipServicer(resources), server
        )
        eligibility_pb2_grpc.add_EligibilityServiceServicer_to_server(
            EligibilityServicer(resources, status), server
        )
        risk_pb2_grpc.add_RiskServiceServicer_to_server(RiskServicer(resources), server)
        reminders_pb2_grpc.add_ReminderServiceServicer_to_server(
            ReminderServicer(resources), server
        )
        campaigns_pb2_grpc.add_CampaignServiceServicer_to_server(
            CampaignServicer(resources), server
        )
        engagement_pb2_grpc.add_EngagementServiceServicer_to_server(
            EngagementServicer(resources, status), server
        )
        coupons_pb2_grpc.add_CouponServiceServicer_to_server(CouponServicer(resources), server)
        games_pb2_grpc.add_GameServiceServicer_to_server(GameServicer(resources), server)
        mall_pb2_grpc.add_MallServiceServicer_to_server(MallServicer(resources), server)
        merchants_pb2_grpc.add_MerchantServiceServicer_to_server(
            MerchantServicer(resources), server
        )

    register_jobs(resources)
    return Service(
        name="benefits",
        faults=FAULTS,
        register=register,
        service_names=SERVICE_NAMES,
        programs=SECTION,
        due_sources=(DueGrants(resources=resources), Lapses(resources=resources)),
        background=(
            partial(relay_for_ever, relay_orders, resources=resources),
            partial(relay_for_ever, relay_checkouts, resources=resources),
            partial(relay_for_ever, relay_returns, resources=resources),
            partial(relay_for_ever, relay_check_ins, resources=resources),
            partial(relay_for_ever, relay_activities, resources=resources),
            partial(relay_for_ever, relay, resources=resources),
        ),
        operations=foundation.operations,
    )


def register_jobs(resources: Resources) -> None:
    """Say what runs the jobs that outlive a call."""
    resources.operations.register(
        ISSUE_JOB,
        partial(run_issue, resources=resources),
        request=IssueJob,
        response=IssuedCoupons,
        write=write_issue_coupons,
    )
    resources.operations.register(
        IMPORT_JOB,
        partial(run_import, resources=resources),
        request=ImportJob,
        response=ImportedCodes,
        write=write_import_codes,
    )


def resources_of(foundation: Foundation) -> Resources:
    """What the handlers work with."""
    settings = foundation.settings
    assert isinstance(settings, BenefitsSettings), "the process reads this service's settings"
    scoring = ScoringClient(
        foundation.open_channel(settings.scoring_address),
        clock=foundation.clock,
        deadline=settings.scoring_deadline,
    )
    return Resources(
        database=foundation.database,
        clock=foundation.clock,
        machine_clock=SystemClock(),
        timers=foundation.timers,
        programs=foundation.programs(SECTION),
        ledger=LedgerClient(foundation.open_channel(settings.ledger_address)),
        scoring=scoring,
        limits=limits_of(settings),
        operations=foundation.operations,
    )


def limits_of(settings: BenefitsSettings) -> Limits:
    """The limits handlers keep."""
    return Limits(
        clock_skew_max=settings.clock_skew_max,
        degraded_age_max=settings.degraded_age_max,
        standing_refresh_interval=settings.standing_refresh_interval,
        relay_delay=settings.relay_delay,
        relay_pause=settings.relay_pause,
        relay_batch_max=settings.relay_batch_max,
        telling_batch_max=settings.telling_batch_max,
        standings_at_once_max=settings.standings_at_once_max,
        hold_margin=settings.hold_margin,
    )
