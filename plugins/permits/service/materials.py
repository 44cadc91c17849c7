"""Which documents an application needs, and which of them are not there."""

from collections.abc import Collection, Mapping

from plugins.permits.service.answers import materials_for
from plugins.permits.values.bundles import Answer, Bundle, MaterialTemplate


def missing_materials(
    bundle: Bundle, answers: Mapping[str, Answer], held: Collection[str]
) -> tuple[MaterialTemplate, ...]:
    """Return the required materials of these answers that are not among those held."""
    return tuple(
        material
        for material in materials_for(bundle, answers)
        if material.required and material.id not in held
    )
