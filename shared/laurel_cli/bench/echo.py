"""A bare gRPC server: the most a Python service can answer, without anything behind it.

`python -m laurel_cli.bench.echo` prints its port, then serves until it is ended.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from laurel.ledger.v1.transactions_pb2 import PostTransactionRequest, PostTransactionResponse
from laurel_kit.process import loop_factory

METHOD = "/laurel.bench.Echo/Echo"


async def echo(request: PostTransactionRequest, _: Any) -> PostTransactionResponse:
    """Answers at once, with a message of the usual size."""
    draft = request.transaction
    answer = PostTransactionResponse(commit_token=draft.request_id)
    answer.transaction.request_id = draft.request_id
    answer.transaction.member_id = draft.earn.member_id
    answer.transaction.amount = draft.earn.amount
    return answer


async def serve() -> None:
    """Serve on a free port, told on the first line."""
    server = grpc.aio.server()
    service, method = METHOD.strip("/").split("/")
    handler = grpc.unary_unary_rpc_method_handler(
        echo,
        request_deserializer=PostTransactionRequest.FromString,
        response_serializer=PostTransactionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {method: handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve())
