"""What each status of a row means, for people."""

from collections.abc import Mapping

from common.run.schema import Status

MEANING: Mapping[str, str] = {
    Status.OK: "captioned",
    Status.INVALID_URL: "the address is not one",
    Status.BLOCKED: "the address leads where a fetcher must not go",
    Status.DNS_ERROR: "the host name is not known",
    Status.CONNECT_ERROR: "the host did not accept a connection",
    Status.TLS_ERROR: "the host's certificate is not valid",
    Status.TIMEOUT: "the host was too slow",
    Status.HTTP_4XX: "the picture is gone, or not for everyone",
    Status.HTTP_5XX: "the host failed",
    Status.TOO_MANY_REDIRECTS: "the host sent the fetcher from one address to the next",
    Status.TOO_LARGE: "more bytes than the limit",
    Status.NOT_AN_IMAGE: "something other than a picture",
    Status.DECODE_ERROR: "the picture is damaged",
    Status.IMAGE_TOO_LARGE: "more pixels than the limit",
    Status.DECODE_CRASH: "the picture crashed the decoder",
    Status.OPT_OUT: "the host asks not to use it for machine learning",
    Status.FILTERED: "a rule of the run's took it out",
}
