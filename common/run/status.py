"""The statuses of a shard's rows: free of pyarrow, for what only fetches or decodes."""

from common.explained import Explained


class Status(Explained):
    """The outcome of an input row, with its meaning; every row of a shard has exactly one."""

    OK = "ok", "captioned"
    INVALID_URL = "invalid_url", "the address is not one"
    BLOCKED = "blocked", "the address leads where a fetcher must not go"
    DNS_ERROR = "dns_error", "the host name is not known"
    CONNECT_ERROR = "connect_error", "the host did not accept a connection"
    TLS_ERROR = "tls_error", "the host's certificate is not valid"
    TIMEOUT = "timeout", "the host was too slow"
    HTTP_4XX = "http_4xx", "the picture is gone, or not for everyone"
    HTTP_5XX = "http_5xx", "the host failed"
    TOO_MANY_REDIRECTS = "too_many_redirects", "the host sent the fetcher from one address to the next"
    TOO_LARGE = "too_large", "more bytes than the limit"
    NOT_AN_IMAGE = "not_an_image", "something other than a picture"
    DECODE_ERROR = "decode_error", "the picture is damaged, or too slow to decode"
    IMAGE_TOO_LARGE = "image_too_large", "more pixels than the limit"
    DECODE_CRASH = "decode_crash", "the picture crashed the decoder"
    OPT_OUT = "opt_out", "the host asks not to use it for machine learning"
    FILTERED = "filtered", "a rule of the run's took it out"
    NO_IMAGE = "no_image", "the input names an image that it does not hold"
    NO_CAPTION = "no_caption", "nothing usable was written"
