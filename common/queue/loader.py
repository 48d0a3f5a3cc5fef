"""How Celery finds modules: where the interpreter looks, and not first in the working folder."""

import importlib
from collections.abc import Callable
from types import ModuleType

from celery.loaders.app import AppLoader


class FleetLoader(AppLoader):  # type: ignore[misc]
    """Celery's puts the working folder first, where a person's own `common` or `workers` may lie."""

    def import_from_cwd(
        self, module: str, imp: Callable[..., ModuleType] | None = None, package: str | None = None
    ) -> ModuleType:
        """Import a module, from anywhere but the working folder."""
        return (imp or importlib.import_module)(module, package=package)
