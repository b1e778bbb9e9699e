"""What happened before the random requests come: requests that succeed, one of each kind of write.

They give the servers something to be asked about, and the random requests something to be a
variation of: an order whose payments add up is not found by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PROGRAM = {"program_id": "jd"}
MEMBER = {**PROGRAM, "member_id": "m-1"}
YESTERDAY = "2026-03-09T04:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A request to a service; `{}` in a text is replaced by what an earlier answer said."""

    service: str
    rpc: str
    request: dict[str, Any]
    remember: str = ""
    """The path of a text in the answer that later steps need: `quote.quote_id`."""


HISTORY = (
    Step(
        service="scoring",
        rpc="laurel.scoring.v1.ActivityService.RecordActivities",
        request={
            **PROGRAM,
            "activities": [
                {
                    "activity_id": "a-1",
                    "member_id": "m-1",
                    "activity_time": YESTERDAY,
                    "profile_change": {"attribute": "real_name", "set": True},
                },
                {
                    "activity_id": "a-2",
                    "member_id": "m-1",
                    "activity_time": YESTERDAY,
                    "credit_report": {"credit_score": 80, "credit_stars": 3},
                },
                {
                    "activity_id": "a-3",
                    "member_id": "m-1",
                    "activity_time": YESTERDAY,
                    "engagement": {"kind": "login"},
                },
            ],
        },
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MembershipService.StartTrial",
        request={**MEMBER, "request_id": "r-10", "plan_id": "plus-trial"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MembershipService.QuoteMembership",
        request={**MEMBER, "request_id": "r-1", "plan_id": "plus-year"},
        remember="quote.quote_id",
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MembershipService.PurchaseMembership",
        request={**MEMBER, "request_id": "r-2", "quote_id": "{}"},
        remember="membership.membership_id",
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MembershipService.SuspendMembership",
        request={**MEMBER, "request_id": "r-11", "membership_id": "{}", "reason": "abuse"},
        remember="membership.membership_id",
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MembershipService.ResumeMembership",
        request={**MEMBER, "request_id": "r-12", "membership_id": "{}"},
        remember="membership.membership_id",
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MembershipService.ExtendMembership",
        request={
            **MEMBER,
            "request_id": "r-13",
            "membership_id": "{}",
            "days": 3,
            "reason": "goodwill",
        },
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MembershipService.QuoteMembership",
        request={
            **MEMBER,
            "request_id": "r-14",
            "plan_id": "plus-year",
            "channel_id": "gift-code",
        },
        remember="quote.quote_id",
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MembershipService.RenewMembership",
        request={
            **MEMBER,
            "request_id": "r-15",
            "quote_id": "{}",
            "payment_reference": "G-1",
        },
        remember="membership.membership_id",
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MembershipService.CancelMembership",
        request={**MEMBER, "request_id": "r-16", "membership_id": "{}", "reason": "wished"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.OrderService.CompleteOrder",
        request={
            **MEMBER,
            "request_id": "r-3",
            "order": {
                "order_id": "o-1",
                "order_time": YESTERDAY,
                "lines": [
                    {
                        "line_id": "l-1",
                        "sku_id": "s-1",
                        "category_id": "books",
                        "goods_class": "physical",
                        "quantity": 1,
                        "paid": {"currency_code": "CNY", "units": "128", "nanos": 500_000_000},
                    }
                ],
                "payments": [
                    {
                        "payment_method": "online",
                        "amount": {"currency_code": "CNY", "units": "128", "nanos": 500_000_000},
                    }
                ],
            },
        },
    ),
    Step(
        service="ledger",
        rpc="laurel.ledger.v1.TransactionService.PostTransaction",
        request={
            **PROGRAM,
            "transaction": {
                "request_id": "r-1",
                "earn": {
                    "member_id": "m-1",
                    "asset_id": "bean",
                    "amount": "5000",
                    "funding_account_id": "platform",
                },
            },
        },
    ),
    Step(
        service="ledger",
        rpc="laurel.ledger.v1.TransactionService.PostTransaction",
        request={
            **PROGRAM,
            "transaction": {
                "request_id": "r-2",
                "spend": {
                    "member_id": "m-1",
                    "asset_id": "bean",
                    "amount": "1000",
                    "redemption_account_id": "order-payment",
                },
            },
        },
    ),
    *(
        Step(
            service="benefits",
            rpc="laurel.benefits.v1.OrderService.ReserveOrder",
            request={
                **MEMBER,
                "request_id": f"r-{order_id}",
                "points": "1000",
                "order": {
                    "order_id": order_id,
                    "payment_method": "online",
                    "lines": [
                        {
                            "line_id": "l-1",
                            "sku_id": "s-1",
                            "category_id": "food",
                            "goods_class": "physical",
                            "quantity": 2,
                            "amount": {"currency_code": "CNY", "units": "100"},
                        }
                    ],
                },
            },
        )
        for order_id in ("o-2", "o-3", "o-4")
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.OrderService.CommitOrder",
        request={**MEMBER, "request_id": "r-c2", "order_id": "o-2"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.OrderService.CompleteOrder",
        request={**MEMBER, "request_id": "r-d2", "order_id": "o-2"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.OrderService.ReturnOrderLines",
        request={
            **MEMBER,
            "request_id": "r-b2",
            "order_id": "o-2",
            "lines": [{"line_id": "l-1", "quantity": 1}],
        },
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.OrderService.CancelOrder",
        request={**MEMBER, "request_id": "r-c3", "order_id": "o-3", "reason": "off"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.EligibilityService.CheckBenefit",
        request={**MEMBER, "benefit_id": "gift-pack"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.EligibilityService.UseBenefit",
        request={**MEMBER, "request_id": "r-4", "benefit_id": "plus-freight-coupon"},
        remember="use.use_id",
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.EligibilityService.ReverseUse",
        request={**MEMBER, "request_id": "r-5", "use_id": "{}", "reason": "returned"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.EligibilityService.GrantBenefit",
        request={
            **MEMBER,
            "request_id": "r-6",
            "benefit_id": "vip-line",
            "reason": "goodwill",
            "expire_time": "2027-01-01T00:00:00Z",
        },
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.EligibilityService.RevokeBenefit",
        request={**MEMBER, "request_id": "r-7", "benefit_id": "vip-line", "reason": "a mistake"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.RiskService.SetMemberRisk",
        request={
            **MEMBER,
            "request_id": "r-8",
            "state": "RISK_STATE_WATCH",
            "reason": "many returns",
        },
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.CampaignService.RecordContact",
        request={**MEMBER, "request_id": "r-17", "channel": "sms"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.EngagementService.CheckIn",
        request={**MEMBER, "request_id": "r-9"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.CouponService.IssueCoupons",
        request={
            **PROGRAM,
            "request_id": "shop-1",
            "coupon_type_id": "jing-5",
            "member_ids": ["m-1"],
            "reason": "welcome",
        },
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.CouponService.ImportCodes",
        request={
            **PROGRAM,
            "request_id": "shop-2",
            "coupon_type_id": "reading-50",
            "codes": ["code-1"],
        },
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MallService.DrawLottery",
        request={**MEMBER, "request_id": "shop-3", "lottery_id": "big-fight"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MallService.RedeemReward",
        request={
            **MEMBER,
            "request_id": "shop-4",
            "reward_id": "tea-cup",
            "price_points": "2000",
            "price": {"currency_code": "CNY", "units": "9", "nanos": 900_000_000},
        },
        remember="redemption.redemption_id",
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MallService.CancelRedemption",
        request={**MEMBER, "request_id": "shop-5", "redemption_id": "{}", "reason": "no"},
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MerchantService.CreateMerchant",
        request={
            **PROGRAM,
            "request_id": "shop-6",
            "merchant_id": "m-1",
            "display_name": "Books",
            "funding_account_id": "xinhua-books",
        },
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MerchantService.FundMerchant",
        request={
            **PROGRAM,
            "request_id": "shop-7",
            "merchant_id": "m-1",
            "amount": {"currency_code": "CNY", "units": "5"},
            "payment_reference": "p-1",
        },
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MerchantService.GrantPoints",
        request={
            **MEMBER,
            "request_id": "shop-8",
            "merchant_id": "m-1",
            "points": "100",
            "reason": "thanks",
        },
    ),
    Step(
        service="benefits",
        rpc="laurel.benefits.v1.MerchantService.JoinShop",
        request={**MEMBER, "request_id": "shop-9", "shop_id": "xinhua-books"},
    ),
    Step(
        service="scoring",
        rpc="laurel.scoring.v1.SettlementService.RunSettlement",
        request={
            **PROGRAM,
            "request_id": "r-1",
            "model_id": "jingxiang",
            "settlement_month": {"year": 2026, "month": 3},
        },
    ),
    Step(
        service="scoring",
        rpc="laurel.scoring.v1.TierService.OverrideTier",
        request={
            **MEMBER,
            "request_id": "r-10",
            "model_id": "jingxiang",
            "level_id": "L3",
            "end_time": "2026-06-01T00:00:00Z",
            "reason": "goodwill",
        },
    ),
)
