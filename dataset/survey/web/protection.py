"""Security headers of every response, and protection of forms against cross-site requests."""

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dataset.survey.web.refusal import Refusal

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with `no-referrer` browsers would hide the origin of our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "X-Robots-Tag": "noindex",
}
NOT_KEPT = "no-store"


class SafeHeaders:
    """Adds `HEADERS` to every response, and `no-store` to those without caching rules."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", NOT_KEPT)
            await send(message)

        await self._app(scope, receive, send_safely)


def require_same_origin(request: Request, own: str | None) -> None:
    """Refuse a form that another site sent: by Sec-Fetch-Site, or by Origin in older browsers.

    Args:
        request: with a form.
        own: host and port of the survey's address, since proxies change Host; None where it is not known.

    Raises:
        Refusal: the form came from another site.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site != "same-origin":
            raise Refusal(403)
        return
    origin = request.headers.get("origin")
    if origin is not None and (_host(origin) or None) not in {own, request.headers.get("host")} - {None}:
        raise Refusal(403)


def _host(origin: str) -> str:
    """Host and port; empty where there is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def form_token(session: str) -> str:
    """The CSRF token of a session's forms."""
    return hmac.new(session.encode(), b"form", hashlib.sha256).hexdigest()


def require_csrf_token(form: dict[str, str], session: str) -> None:
    """Refuse a form without its session's token.

    Raises:
        Refusal: it is not the session's.
    """
    if not hmac.compare_digest(
        form.get("token", "").encode("utf-8", "replace"), form_token(session).encode()
    ):
        raise Refusal(403)
