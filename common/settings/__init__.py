"""Every setting of the fleet, and the presets of the models."""

from common.settings.tree import (
    PREFIX,
    DecodeSettings,
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
    "DecodeSettings",
    "FetchSettings",
    "FilterSettings",
    "HealthSettings",
    "LeaseSettings",
    "MetricsSettings",
    "S3Settings",
    "SamplingSettings",
    "Settings",
]
