"""The door for coupons."""

from __future__ import annotations

from typing import Any

import grpc.aio
from google.longrunning import operations_pb2
from laurel.benefits.v1 import coupons_pb2 as pb
from laurel.benefits.v1 import coupons_pb2_grpc as grpc_pb

from laurel_benefits.handlers import coupon_jobs, coupons
from laurel_benefits.handlers.resources import Resources
from laurel_benefits.wire import coupons as wire
from laurel_benefits.wire.repeats import read_write_key
from laurel_benefits.wire.times import read_member

Context = grpc.aio.ServicerContext[Any, Any]


class CouponServicer(grpc_pb.CouponServiceServicer):
    """Gives coupons to members."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def ClaimCoupon(
        self, request: pb.ClaimCouponRequest, context: Context
    ) -> pb.ClaimCouponResponse:
        command = wire.read_claim_coupon(request)
        return wire.write_claim_coupon(
            await coupons.claim_coupon(command, resources=self._resources)
        )

    async def IssueCoupons(
        self, request: pb.IssueCouponsRequest, context: Context
    ) -> operations_pb2.Operation:
        key, job = read_write_key(request), wire.read_issue_coupons(request)
        operation = await coupon_jobs.issue_coupons(key, job, resources=self._resources)
        return self._resources.operations.write(operation)

    async def GetCoupon(
        self, request: pb.GetCouponRequest, context: Context
    ) -> pb.GetCouponResponse:
        member, coupon_id = read_member(request), wire.read_coupon_id(request)
        return wire.write_get_coupon(
            await coupons.get_coupon(member, coupon_id, resources=self._resources)
        )

    async def ListCoupons(
        self, request: pb.ListCouponsRequest, context: Context
    ) -> pb.ListCouponsResponse:
        query = wire.read_list_coupons(request)
        found = await coupons.list_coupons(query, resources=self._resources)
        return wire.write_list_coupons(found, request)

    async def VoidCoupon(
        self, request: pb.VoidCouponRequest, context: Context
    ) -> pb.VoidCouponResponse:
        command = wire.read_void_coupon(request)
        return wire.write_void_coupon(await coupons.void_coupon(command, resources=self._resources))

    async def ImportCodes(
        self, request: pb.ImportCodesRequest, context: Context
    ) -> operations_pb2.Operation:
        key, job = read_write_key(request), wire.read_import_codes(request)
        operation = await coupon_jobs.import_codes(key, job, resources=self._resources)
        return self._resources.operations.write(operation)
