"""Every setting of the fleet, and the presets of the models."""

from common.settings.tree import (
    GROUPS,
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
    "GROUPS",
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
