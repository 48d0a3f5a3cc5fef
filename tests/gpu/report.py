"""What a part of the check found."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """Figures, and the sentences of those that are not as they have to be."""

    figures: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def note(self, name: str, value: Any) -> None:
        self.figures[name] = value

    def require(self, name: str, value: Any, *, is_good: bool, rule: str) -> None:
        """Note a figure that has a bound."""
        self.note(name, value)
        if not is_good:
            self.failures.append(f"{name} is {value}: {rule}")
