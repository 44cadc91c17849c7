"""What a plug-in has citizens told: in its own words, by letterboxes that it cannot read."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from app.core.crypto import Keyring
from app.core.unit_of_work import UnitOfWork
from app.host.manifest import Fault, Manifest, PluginRefused
from app.identity import service as identity
from app.notifications import service as notifications
from app.notifications.values import Shown, Template, read_templates

NOTICES = "notices.toml"


@dataclass(frozen=True, slots=True)
class Letters:
    """The door by which one plug-in tells citizens something (`app.sdk.provider.Tell`)."""

    plugin: str
    templates: Mapping[str, Template]
    keyring: Keyring

    def tell(
        self, uow: UnitOfWork, letterbox: str, kind: str, subject: str, **params: Shown
    ) -> bool:
        """Put a message of the plug-in's into the inbox of whoever has this letterbox."""
        template = self.templates.get(kind)
        if template is None:
            raise ValueError(f"{NOTICES} of {self.plugin} has no {kind!r}")
        citizen_id = self.keyring.open_letterbox(sector_of(self.plugin), letterbox)
        if not identity.phone_index_of(uow, citizen_id):
            return False  # the account is closed, and so is its inbox
        text = template.render(params)
        return notifications.put(uow, citizen_id, f"{self.plugin}.{kind}", subject, text)


def sector_of(plugin: str) -> str:
    """Return the name of what a plug-in alone can have opened."""
    return f"plugin:{plugin}"


def read_notices(manifest: Manifest) -> Mapping[str, Template]:
    """Return what a plug-in says to citizens, by kind; raise `PluginRefused` for a flaw of it."""
    path = manifest.folder / NOTICES
    if not path.is_file():
        return {}
    file = f"{manifest.folder.parent.name}/{manifest.name}/{NOTICES}"
    try:
        templates = read_templates(path)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        cure = "give each kind params, title and body in both languages, and sms"
        raise PluginRefused([Fault(file, f"it cannot be read: {error}.", cure)]) from error
    faults = [
        Fault(file, f"{kind} shows {{{name}}} and does not name it.", "add it to `params`")
        for kind, template in templates.items()
        for name in sorted(_shown(template) - template.params)
    ]
    if faults:
        raise PluginRefused(faults)
    return templates


def _shown(template: Template) -> set[str]:
    text = template.text
    every = (text.title_zh, text.title_en, text.body_zh, text.body_en, text.sms)
    return {name for said in every for _, name, _, _ in Formatter().parse(said) if name is not None}
