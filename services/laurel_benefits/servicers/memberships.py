"""The door for memberships."""

from __future__ import annotations

from typing import Any

import grpc.aio
from laurel.benefits.v1 import memberships_pb2 as pb
from laurel.benefits.v1 import memberships_pb2_grpc as grpc_pb

from laurel_benefits.handlers import memberships, savings, terms, trials
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import memberships as wire
from laurel_benefits.wire import terms as terms_wire
from laurel_benefits.wire.times import read_member

Context = grpc.aio.ServicerContext[Any, Any]


class MembershipServicer(grpc_pb.MembershipServiceServicer):
    """Tries, quotes, sells, changes and shows memberships."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def QuoteMembership(
        self, request: pb.QuoteMembershipRequest, context: Context
    ) -> pb.QuoteMembershipResponse:
        command = wire.read_quote_membership(request)
        quoted = await memberships.quote_membership(command, resources=self._resources)
        return wire.write_quote_membership(quoted)

    async def StartTrial(
        self, request: pb.StartTrialRequest, context: Context
    ) -> pb.StartTrialResponse:
        command = wire.read_start_trial(request)
        started = await trials.start_trial(command, resources=self._resources)
        return wire.write_start_trial(started)

    async def PurchaseMembership(
        self, request: pb.PurchaseMembershipRequest, context: Context
    ) -> pb.PurchaseMembershipResponse:
        command = wire.read_purchase_membership(request)
        purchased = await memberships.purchase_membership(command, resources=self._resources)
        return wire.write_purchase_membership(purchased)

    async def RenewMembership(
        self, request: pb.RenewMembershipRequest, context: Context
    ) -> pb.RenewMembershipResponse:
        command = wire.read_purchase_membership(request)
        renewed = await memberships.renew_membership(command, resources=self._resources)
        return wire.write_renew_membership(renewed)

    async def CancelMembership(
        self, request: pb.CancelMembershipRequest, context: Context
    ) -> pb.CancelMembershipResponse:
        command = terms_wire.read_cancel_membership(request)
        changed = await terms.cancel_membership(command, resources=self._resources)
        return terms_wire.write_cancel_membership(changed)

    async def SuspendMembership(
        self, request: pb.SuspendMembershipRequest, context: Context
    ) -> pb.SuspendMembershipResponse:
        command = terms_wire.read_suspend_membership(request)
        changed = await terms.suspend_membership(command, resources=self._resources)
        return terms_wire.write_suspend_membership(changed)

    async def ResumeMembership(
        self, request: pb.ResumeMembershipRequest, context: Context
    ) -> pb.ResumeMembershipResponse:
        command = terms_wire.read_resume_membership(request)
        changed = await terms.resume_membership(command, resources=self._resources)
        return terms_wire.write_resume_membership(changed)

    async def ExtendMembership(
        self, request: pb.ExtendMembershipRequest, context: Context
    ) -> pb.ExtendMembershipResponse:
        command = terms_wire.read_extend_membership(request)
        changed = await terms.extend_membership(command, resources=self._resources)
        return terms_wire.write_extend_membership(changed)

    async def RequestInvoice(
        self, request: pb.RequestInvoiceRequest, context: Context
    ) -> pb.RequestInvoiceResponse:
        command = terms_wire.read_request_invoice(request)
        changed = await terms.request_invoice(command, resources=self._resources)
        return terms_wire.write_request_invoice(changed)

    async def GetSavings(
        self, request: pb.GetSavingsRequest, context: Context
    ) -> pb.GetSavingsResponse:
        found = await savings.get_savings(
            read_member(request),
            terms_wire.read_membership_id(request),
            resources=self._resources,
        )
        return terms_wire.write_get_savings(found)

    async def GetMembership(
        self, request: pb.GetMembershipRequest, context: Context
    ) -> pb.GetMembershipResponse:
        found = await memberships.get_membership(
            read_member(request), wire.read_plan_id(request), resources=self._resources
        )
        return wire.write_get_membership(found)
