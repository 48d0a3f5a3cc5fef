"""Every setting of the fleet, and the presets of the models."""

from common.settings.fields import AUTO
from common.settings.filters import FilterSettings
from common.settings.images import DecodeSettings, FetchSettings
from common.settings.manners import MannersSettings
from common.settings.operation import HealthSettings, LeaseSettings, MetricsSettings, S3Settings
from common.settings.sampling import SamplingSettings
from common.settings.tree import PREFIX, Settings

__all__ = [
    "AUTO",
    "PREFIX",
    "DecodeSettings",
    "FetchSettings",
    "FilterSettings",
    "HealthSettings",
    "LeaseSettings",
    "MannersSettings",
    "MetricsSettings",
    "S3Settings",
    "SamplingSettings",
    "Settings",
]
