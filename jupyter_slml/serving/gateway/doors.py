"""The doors: whose clients speak, and in what shape they hear of errors. The predictions are the same at each.

`slml` is our own: errors are `SlmlError.to_wire` with the status of the error. `sagemaker` is what boto3's
sagemaker-runtime and other clients of SageMaker expect: an error has the header `x-amzn-ErrorType`, which decides their
exception, and whatever a model refuses is a `ModelError` of status 424 that carries the refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import orjson

from jupyter_slml.errors import SlmlError
from jupyter_slml.serving.gateway import answers

#: Status, content type, body, further header lines.
Answer = tuple[int, bytes, bytes, bytes]

#: Headers by which a client of SageMaker is known; each is `x-amzn-sagemaker-` and one of these.
PREFIX = b"x-amzn-sagemaker-"
ATTRIBUTES = PREFIX + b"custom-attributes"
VARIANT = PREFIX + b"target-variant"
INFERENCE = PREFIX + b"inference-id"
SAGEMAKER_HEADERS = (
    ATTRIBUTES,
    VARIANT,
    INFERENCE,
    PREFIX + b"target-model",
    PREFIX + b"target-container-hostname",
    PREFIX + b"enable-explanations",
    PREFIX + b"inference-component",
    PREFIX + b"session-id",
    PREFIX + b"prefix-aware-id",
)
#: How a signed request begins.
SIGNED = b"AWS4-HMAC-SHA256 "


class Door(Protocol):
    """How answers look."""

    #: As frames name it.
    name: bytes

    def refuse(self, error: SlmlError) -> Answer:
        """The answer to a request that the gateway refuses."""

    def relay(self, status: int, content_type: bytes, body: bytes, headers: Mapping[bytes, bytes], variant: str) -> Answer:
        """The answer to a request that a replica answered; `headers` are the request's."""


class OwnDoor:
    """Ours."""

    name = b"slml"

    def refuse(self, error: SlmlError) -> Answer:
        return error.status, answers.JSON, answers.error_body(error), answers.error_headers(error)

    def relay(self, status: int, content_type: bytes, body: bytes, headers: Mapping[bytes, bytes], variant: str) -> Answer:
        return status, content_type, body, b"X-Slml-Variant: %b\r\n" % variant.encode()


#: Our codes as SageMaker's status and error type. What is not here is a request that SageMaker's own checks would refuse.
_TYPES = {
    "unauthorized": (403, "UnrecognizedClientException"),
    "forbidden": (403, "AccessDeniedException"),
    "not_found": (400, "ValidationError"),
    "invalid": (400, "ValidationError"),
    "busy": (429, "ThrottlingException"),
    "unavailable": (503, "ServiceUnavailable"),
    "internal": (500, "InternalFailure"),
}


class SagemakerDoor:
    """SageMaker's."""

    name = b"sagemaker"

    def refuse(self, error: SlmlError) -> Answer:
        if error.code == "expired":
            # The model was asked and gave no answer in time.
            return _model_error(error.status, error.message)
        if error.code == "busy" and error.detail.get("ready") is False:
            status, kind = 429, "ModelNotReadyException"
        else:
            status, kind = _TYPES.get(error.code, (error.status, "ValidationError"))
        body = orjson.dumps({"Message": str(error), "Code": error.code, "Field": error.field}, default=str)
        return status, answers.JSON, body, _kind(kind) + answers.error_headers(error)

    def relay(self, status: int, content_type: bytes, body: bytes, headers: Mapping[bytes, bytes], variant: str) -> Answer:
        extra = b""
        if status >= 400:
            status, content_type, body, extra = _model_error(status, _message(body))
        extra += b"x-Amzn-Invoked-Production-Variant: %b\r\n" % variant.encode()
        attributes = headers.get(ATTRIBUTES)
        if attributes is not None:
            extra += b"X-Amzn-SageMaker-Custom-Attributes: %b\r\n" % attributes
        return status, content_type, body, extra


def _model_error(status: int, message: str) -> Answer:
    side = "client" if status < 500 else "server"
    told = {
        "Message": f'Received {side} error ({status}) from primary with message "{message}"',
        "OriginalStatusCode": status,
        "OriginalMessage": message,
        "LogStreamArn": "",
    }
    return 424, answers.JSON, orjson.dumps(told), _kind("ModelError")


def _kind(name: str) -> bytes:
    return b"x-amzn-ErrorType: %b\r\n" % name.encode()


def _message(body: bytes) -> str:
    """What a refusal of a replica says, with its remedy."""
    try:
        error = orjson.loads(body)["error"]
        return "\n".join(str(error[part]) for part in ("message", "remedy") if error.get(part))
    except (ValueError, TypeError, KeyError, AttributeError):
        return body.decode(errors="replace")[:1000]


SLML: Door = OwnDoor()
SAGEMAKER: Door = SagemakerDoor()
