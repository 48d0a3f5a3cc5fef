"""Delays of exponential back-off."""

import pytest

from common.delay import backoff_delay


def test_delays_double_up_to_the_longest() -> None:
    assert [backoff_delay(failures) for failures in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("failures", [40, 10**6])
def test_an_endless_outage_overflows_nothing(failures: int) -> None:
    assert backoff_delay(failures) == 60
    assert backoff_delay(failures, longest=20) == 20
