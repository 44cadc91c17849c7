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

    def to_json(self) -> dict[str, str]:
        """Return the finding as one of the `errors` of a refusal."""
        return {
            "pointer": self.pointer,
            "message": f"{self.reason['zh']} ({self.reason['en']})",
            "passage": self.passage,
            "rule": self.rule,
            "source": self.source,
        }
