"""What is refused of an advert: the passage, the rule, and where the rule comes from."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One passage of an advert that a rule refuses; `pointer` says in which part it stands."""

    pointer: str
    passage: str
    rule: str
    kind: str
    reason: Mapping[str, str]
    source: str

    @property
    def message(self) -> str:
        """Return the reason in both languages."""
        return f"{self.reason['zh']} ({self.reason['en']})"

    def to_json(self) -> dict[str, str]:
        """Return the finding as one of the `findings` of a refusal."""
        return {
            "pointer": self.pointer,
            "passage": self.passage,
            "rule": self.rule,
            "source": self.source,
        }
