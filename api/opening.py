"""Why a desk does not open: one clear line instead of a traceback."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hitl.errors import GuardianError

FAILED = "lifespan.startup.failed"


class Opening:
    """Around everything else: only the server's lifespan passes through, and only its end is looked at."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Requests pass through untouched."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            if message["type"] == FAILED:
                held.append(message)
            else:
                await send(message)

        try:
            await self.app(scope, receive, hold)
        except GuardianError as refusal:
            await send({"type": FAILED, "message": f"This desk cannot open: {refusal.detail}"})
        except BaseException:
            for message in held:
                await send(message)
            raise
