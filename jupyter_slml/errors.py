"""The one error family.

Every message says what happened, to what, and what to do. The docstring of a class is its default message, `code` is its
name on the wire (and the key by which a client rebuilds it), `status` the HTTP status that carries it. Attributes carry the
facts: `field` and `value` name the input at fault, `remedy` the next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class SlmlError(Exception):
    """Something went wrong in jupyter-slml."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        value: object = None,
        remedy: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.field = field
        self.value = None if value is None else str(value)[:200]
        self.remedy = remedy
        self.detail = dict(detail or {})
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message

    def to_wire(self) -> dict[str, Any]:
        """The one JSON shape of every failure: `{"error": {code, message, field, value, remedy, detail}}`."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "field": self.field,
                "value": self.value,
                "remedy": self.remedy,
                "detail": self.detail,
            }
        }

    def _render_traceback_(self, *_: object) -> list[str]:
        """What IPython shows: the message alone, for the frames are ours and the mistake is not."""
        return [f"{type(self).__name__}: {self}"]


class Invalid(SlmlError):
    """An input is not valid."""

    code = "invalid"
    status = 422


class CaptureError(Invalid):
    """A name that the cell reads cannot travel to a worker."""

    code = "capture"


class NotFound(SlmlError):
    """Nothing is known under that name."""

    code = "not_found"
    status = 404


class Conflict(SlmlError):
    """The request contradicts the present state."""

    code = "conflict"
    status = 409


class GateFailed(Conflict):
    """The gate of a promotion does not hold. `detail` holds its verdict: every term with the numbers that it saw."""

    code = "gate_failed"


class IllegalMove(Conflict):
    """A life cycle has no such edge. `detail["story"]` holds the object's past events."""

    code = "illegal_move"


class Unauthorized(SlmlError):
    """The caller did not prove who it is."""

    code = "unauthorized"
    status = 401


class Forbidden(SlmlError):
    """The caller may not do that."""

    code = "forbidden"
    status = 403


class Unavailable(SlmlError):
    """A part of the platform cannot be reached now."""

    code = "unavailable"
    status = 503


class StorageFull(SlmlError):
    """The disk or the store is full."""

    code = "storage_full"
    status = 507


class VersionMismatch(SlmlError):
    """Two sides run versions of jupyter-slml that cannot work together."""

    code = "version_mismatch"
    status = 409


class MissingDependency(SlmlError):
    """A program or package that this needs is not installed."""

    code = "missing_dependency"
    status = 501


class IntegrityError(SlmlError):
    """Stored bytes do not have the digest under which they are known."""

    code = "integrity"
    status = 422


class JobFailed(SlmlError):
    """The job did not succeed. `detail` holds its outcome."""

    code = "job_failed"
    status = 409

    def _render_traceback_(self, *_: object) -> list[str]:
        trace = self.detail.get("traceback") or []
        return [*trace, "", f"{type(self).__name__}: {self}"]


class DeployFailed(SlmlError):
    """The endpoint could not serve the model. `detail` holds the loading error."""

    code = "deploy_failed"
    status = 409

    def _render_traceback_(self, *_: object) -> list[str]:
        trace = self.detail.get("traceback") or []
        return [*trace, "", f"{type(self).__name__}: {self}"]


class BadRequest(SlmlError):
    """The request cannot be read."""

    code = "bad_request"
    status = 400


class MethodNotAllowed(SlmlError):
    """That address does not take this method."""

    code = "method_not_allowed"
    status = 405


class NotAcceptable(SlmlError):
    """The answer cannot be given in the form that is asked for."""

    code = "not_acceptable"
    status = 406


class RequestTimeout(SlmlError):
    """The request did not arrive in time."""

    code = "request_timeout"
    status = 408


class LengthRequired(SlmlError):
    """The length of the body is not given."""

    code = "length_required"
    status = 411


class TooLarge(SlmlError):
    """The body is larger than what is taken."""

    code = "too_large"
    status = 413


class UnsupportedType(SlmlError):
    """The body is of a type that cannot be read."""

    code = "unsupported_type"
    status = 415


class ExpectationFailed(SlmlError):
    """The Expect header asks for something that is not known."""

    code = "expectation_failed"
    status = 417


class Busy(SlmlError):
    """As many requests wait as may wait. `detail["retry_after"]` says after how many seconds to try again."""

    code = "busy"
    status = 429


class HeadersTooLarge(SlmlError):
    """The headers are larger than what is taken."""

    code = "headers_too_large"
    status = 431


class ModelError(SlmlError):
    """The model raised an exception."""

    code = "model_error"
    status = 500


class Expired(SlmlError):
    """The request was not answered within its time."""

    code = "expired"
    status = 504


def _family(root: type[SlmlError]) -> dict[str, type[SlmlError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found.update(_family(child))
    return found


def from_wire(body: Mapping[str, Any]) -> SlmlError:
    """Rebuild the error that `to_wire` wrote; an unknown code becomes the root class, message kept."""
    error = body.get("error")
    if not isinstance(error, Mapping):
        return SlmlError(str(body)[:500])
    kind = _family(SlmlError).get(str(error.get("code")), SlmlError)
    return kind(
        error.get("message"),
        field=error.get("field"),
        value=error.get("value"),
        remedy=error.get("remedy"),
        detail=error.get("detail"),
    )
