"""Packages offer names that they load on first use."""

import subprocess
import sys

import pytest

import common
import workers.cascade
import workers.decode


def test_a_package_offers_all_that_it_names() -> None:
    names = workers.decode.__all__
    assert all(getattr(workers.decode, name).__name__ == name for name in names)


def test_the_cascade_offers_all_that_it_names() -> None:
    assert all(hasattr(workers.cascade, name) for name in workers.cascade.__all__)


def test_the_cascade_offers_what_needs_no_torch_without_it() -> None:
    code = "import sys; from workers.cascade import Captions, ModelInputs; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_version_is_offered() -> None:
    assert common.__version__.count(".") >= 1


def test_a_name_that_is_not_offered_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'decoded'"):
        workers.decode.decoded  # noqa: B018
