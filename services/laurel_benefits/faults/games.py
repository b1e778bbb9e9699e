"""What refusals of check-ins, wallets and trees are on the wire."""

from __future__ import annotations

import grpc
from laurel.type.v1.error_reason_pb2 import ErrorReason
from laurel_kit.faults import Fault, FaultTable, resource

from laurel_benefits.domain import game_errors

Code = grpc.StatusCode

GAME_FAULTS: FaultTable = {
    game_errors.CheckInNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_CHECK_IN_NOT_FOUND,
        "Nobody can check in to the program {program_id}.",
        detail=resource("laurel.program.v1.CheckInRules", "program_id"),
    ),
    game_errors.WalletNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_WALLET_NOT_FOUND,
        "No member of the program {program_id} has a wallet.",
        detail=resource("laurel.program.v1.WalletRules", "program_id"),
    ),
    game_errors.OrchardNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_ORCHARD_NOT_FOUND,
        "No member of the program {program_id} has a tree.",
        detail=resource("laurel.program.v1.OrchardRules", "program_id"),
    ),
    game_errors.WaterTaskNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_WATER_TASK_NOT_FOUND,
        "The orchard has no task {task_id}.",
        detail=resource("laurel.program.v1.WaterTask", "task_id"),
    ),
    game_errors.FruitNotFound: Fault(
        Code.NOT_FOUND,
        ErrorReason.ERROR_REASON_FRUIT_NOT_FOUND,
        "No tree of the orchard bears {fruit_id}.",
        detail=resource("laurel.program.v1.Fruit", "fruit_id"),
    ),
}
