"""Failures of S3 as one line: the operation, the credentials, the remedy."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from common.errors import RefusedError, StoreError

EXISTS = frozenset({"PreconditionFailed", "412"})
CONFLICT = frozenset({"ConditionalRequestConflict", "409"})
MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
DENIED = frozenset(
    {
        "400",  # a HEAD has no body, so that S3 cannot name an expired token in it
        "401",
        "403",
        "AccessDenied",
        "AllAccessDisabled",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnauthorizedAccess",
        "UnrecognizedClientException",
    }
)
CHECKSUM = frozenset(
    {
        "BadDigest",
        "InvalidDigest",
        "MalformedTrailerError",
        "MissingContentLength",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    }
)
ABOUT_CHECKSUMS = re.compile(r"checksum|trailer|aws-chunked|content-sha256|content-encoding", re.IGNORECASE)
UNSUPPORTED = frozenset(
    {"NotImplemented", "501", "InvalidRequest", "InvalidArgument", "UnsupportedOperation"}
)
CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)
"""Errors of a provider that has no credentials at the moment."""

RIGHTS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObject": "s3:DeleteObject",
    "DeleteObjects": "s3:DeleteObject",
}


def error_code(error: ClientError) -> str:
    """S3's word for the failure, or the HTTP status where it sent none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_refusal(error: Exception) -> bool:
    """Whether other credentials might have been accepted."""
    denied = isinstance(error, ClientError) and error_code(error) in DENIED
    return denied or isinstance(error, CREDENTIALS)


def is_about_checksums(error: ClientError) -> bool:
    """Whether the server cannot read the checksum of a write, or the framing that carries it."""
    return error_code(error) in CHECKSUM or (
        error_code(error) in UNSUPPORTED and ABOUT_CHECKSUMS.search(str(error)) is not None
    )


@contextmanager
def s3_errors(uri: str, source: str = "the environment") -> Iterator[None]:
    """Turn botocore's exceptions into one line about `uri`.

    Args:
        uri: the address in question.
        source: where the credentials come from.

    Raises:
        RefusedError: the credentials, or their rights, do not suffice.
        StoreError: everything else.
    """
    try:
        yield
    except ClientError as error:
        raise _explain(uri, source, error) from error
    except FlexibleChecksumError as error:
        raise StoreError(f"{uri}: {error}; try again, or set FLEET_S3_CHECKSUM=none") from error
    except CREDENTIALS as error:
        raise RefusedError(f"{uri}: {error}; check the credentials") from error
    except (BotoCoreError, ValueError) as error:
        raise StoreError(f"{uri}: {error}; check FLEET_S3_ENDPOINT_URL and the credentials") from error


def _explain(uri: str, source: str, error: ClientError) -> StoreError:
    code = error_code(error)
    right = RIGHTS.get(error.operation_name, error.operation_name)
    if code in DENIED:
        return RefusedError(
            f"{uri}: S3 refused the credentials from {source} ({code});"
            f" check the keys and their right {right}"
        )
    if code == "NoSuchBucket":
        return StoreError(f"{uri}: there is no such bucket; create it or correct the address")
    if is_about_checksums(error):
        return StoreError(
            f"{uri}: S3 refused the checksum of a write ({code}); set FLEET_S3_CHECKSUM to crc32 or none"
        )
    return StoreError(f"{uri}: S3 answered {code}: {error}")
