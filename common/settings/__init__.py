"""Every setting of the fleet, and the presets of the models."""

from common.settings.tree import (
    PREFIX,
    FetchSettings,
    FilterSettings,
    HealthSettings,
    LeaseSettings,
    MetricsSettings,
    S3Settings,
    SamplingSettings,
    Settings,
)

__all__ = [
    "PREFIX",
    "FetchSettings",
    "FilterSettings",
    "HealthSettings",
    "LeaseSettings",
    "MetricsSettings",
    "S3Settings",
    "SamplingSettings",
    "Settings",
]
